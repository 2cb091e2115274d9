"""Simulated studies whose trials are pruned."""

import numpy as np
import optuna

from search.pruners.registry import PrunerChoice, make_pruner

optuna.logging.set_verbosity(optuna.logging.ERROR)

EVEN = (4000, 8000, 12000, 16000, 20000)
DOUBLING = (1250, 2500, 5000, 10000, 20000)


def simulate(
    choice: PrunerChoice, rungs: tuple[int, ...], count: int = 40, seed: int = 0, qualities: np.ndarray | None = None
) -> dict[int, int]:
    """Return trial number -> rung at which it was pruned. Curves never cross: a better trial is better at each rung."""
    pruner = make_pruner(choice, rungs)
    study = optuna.create_study(direction="maximize", pruner=pruner, study_name="simulated")
    if qualities is None:
        qualities = np.random.default_rng(seed).uniform(0.4, 0.8, count)
    ended: dict[int, int] = {}
    for quality in qualities:
        trial = study.ask()
        for rung in rungs:
            trial.report(float(quality * (1 - np.exp(-3 * rung / rungs[-1]))), rung)
            if trial.should_prune():
                ended[trial.number] = rung
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, float(quality))
    return ended

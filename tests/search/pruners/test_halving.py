"""Successive halving against its rule, on simulated curves."""

import numpy as np
import optuna
from hypothesis import given
from hypothesis import strategies as st

from search.pruners.halving import SuccessiveHalving
from search.pruners.registry import PrunerChoice
from search.trials.record import REPEAT_OF
from tests.search.pruners.simulation import EVEN, simulate


def test_halving_decides_at_every_rung() -> None:
    """Falling scores after a best one: each is pruned at the first rung. Rising ones stay."""
    choice = PrunerChoice("halving", {"reduction_factor": 2})
    assert simulate(choice, EVEN, qualities=np.linspace(0.8, 0.4, 5)) == {1: 4000, 2: 4000, 3: 4000, 4: 4000}
    assert simulate(choice, EVEN, qualities=np.linspace(0.4, 0.8, 5)) == {}
    seen = {rung for seed in range(10) for rung in simulate(choice, EVEN, seed=seed).values()}
    assert seen == {4000, 8000, 12000, 16000}


def test_halving_may_start_later() -> None:
    choice = PrunerChoice("halving", {"reduction_factor": 2, "skip": 1})
    assert simulate(choice, EVEN, qualities=np.linspace(0.8, 0.4, 3)) == {1: 8000, 2: 8000}


@given(
    curves=st.lists(
        st.lists(st.integers(0, 5).map(lambda score: score / 5), min_size=3, max_size=3), min_size=1, max_size=25
    ),
    factor=st.one_of(st.none(), st.floats(1.1, 5.0)),
    skip=st.integers(0, 1),
)
def test_halving_follows_its_rule(curves: list[list[float]], factor: float | None, skip: int) -> None:
    """Compare with the rule as documented, on curves that cross and tie; a second call gives the same answer."""
    rungs = (100, 200, 600)
    study = optuna.create_study(direction="maximize", pruner=SuccessiveHalving(rungs, factor, skip))
    came: dict[int, list[float]] = {rung: [] for rung in rungs}
    for curve in curves:
        trial = study.ask()
        for index, (rung, score) in enumerate(zip(rungs, curve, strict=True)):
            came[rung].append(score)
            trial.report(score, rung)
            share = 1 / (factor or {100: 2.0, 200: 3.0, 600: 1.0}[rung])
            rank = sorted(came[rung], reverse=True).index(score) + 1
            is_last = index == len(rungs) - 1
            expected = not is_last and index >= skip and rank > max(1, int(share * len(came[rung]) + 1e-9))
            assert trial.should_prune() == trial.should_prune() == expected
            if expected:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, curve[-1])


def test_failed_trials_do_not_compete() -> None:
    study = optuna.create_study(direction="maximize", pruner=SuccessiveHalving((100, 200)))
    diverged = study.ask()
    diverged.report(0.9, 100)
    study.tell(diverged, state=optuna.trial.TrialState.FAIL)
    trial = study.ask()
    trial.report(0.5, 100)
    assert not trial.should_prune()


def test_repeats_do_not_compete() -> None:
    """The last trial is second of three. If the repeat counted, it would be second of four, and continue."""
    study = optuna.create_study(direction="maximize", pruner=SuccessiveHalving((100, 200)))
    for score, is_repeat in ((0.3, False), (0.3, True), (0.9, False)):
        trial = study.ask()
        trial.report(score, 100)
        trial.report(score, 200)
        if is_repeat:
            trial.set_user_attr(REPEAT_OF, 0)
        study.tell(trial, score)
    trial = study.ask()
    trial.report(0.5, 100)
    assert trial.should_prune()

"""Pruners by name, on simulated studies."""

from typing import Any

import numpy as np
import optuna
import pytest

from data.errors import UserError
from search.pruners.registry import PrunerChoice, make_pruner
from tests.search.pruners.simulation import DOUBLING, EVEN, simulate


@pytest.mark.parametrize("rungs", [EVEN, DOUBLING])
@pytest.mark.parametrize(
    ("choice", "least", "most"),
    [
        (PrunerChoice("hyperband"), 12, 38),
        (PrunerChoice("halving"), 20, 38),
        (PrunerChoice("halving", {"reduction_factor": 3}), 28, 38),
        (PrunerChoice("median"), 14, 36),
        (PrunerChoice("percentile", {"percentile": 25.0}), 22, 38),
        (PrunerChoice("patient", {"patience": 0, "min_delta": 0.0}), 0, 0),
        (PrunerChoice("threshold", {"lower": 0.05}), 0, 0),
        (PrunerChoice("none"), 0, 0),
    ],
)
def test_forty_curves(choice: PrunerChoice, rungs: tuple[int, ...], least: int, most: int) -> None:
    for seed in range(3):
        ended = simulate(choice, rungs, seed=seed)
        best = int(np.random.default_rng(seed).uniform(0.4, 0.8, 40).argmax())
        assert least <= len(ended) <= most
        assert best not in ended
        assert rungs[-1] not in ended.values()


def test_a_run_at_its_last_rung_is_not_pruned() -> None:
    ended = simulate(PrunerChoice("halving"), (500, 1000), count=20)
    assert set(ended.values()) == {500}
    assert simulate(PrunerChoice("threshold", {"lower": 0.99}), (500,), count=3) == {}


def test_median_waits_for_its_start() -> None:
    falling = np.linspace(0.8, 0.4, 12)
    assert min(simulate(PrunerChoice("median"), EVEN, qualities=falling)) == 5
    assert min(simulate(PrunerChoice("median", {"n_startup_trials": 2}), EVEN, qualities=falling)) == 2
    assert set(simulate(PrunerChoice("median"), EVEN, qualities=falling).values()) == {4000}
    late = PrunerChoice("median", {"n_warmup_steps": 9000})
    assert set(simulate(late, EVEN, qualities=falling).values()) == {12000}


def test_threshold_prunes_below() -> None:
    # 0.4 * (1 - e^-0.6) = 0.18 and 0.8 * (1 - e^-0.6) = 0.36 at the first rung
    ended = simulate(PrunerChoice("threshold", {"lower": 0.3}), EVEN, qualities=np.array([0.4, 0.8]))
    assert ended == {0: 4000}


def test_patient_asks_the_other_only_after_a_standstill() -> None:
    pruner = make_pruner(PrunerChoice("patient", {"patience": 1, "wraps": {"name": "threshold", "lower": 0.9}}), EVEN)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    trial = study.ask()
    answers = []
    for rung, value in zip(EVEN, [0.5, 0.6, 0.55, 0.5, 0.4], strict=True):
        trial.report(value, rung)
        answers.append(trial.should_prune())
    assert answers == [False, False, False, True, False]  # the last rung is never pruned


def test_the_sampler_learns_from_all_brackets() -> None:
    """Optuna shows a sampler the trials of the same bracket only, where it sees its own HyperbandPruner."""
    seen = []

    class Spy(optuna.samplers.RandomSampler):
        def infer_relative_search_space(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
            seen.append(len(study.get_trials(deepcopy=False)))
            return super().infer_relative_search_space(study, trial)

    study = optuna.create_study(sampler=Spy(), pruner=make_pruner(PrunerChoice("optuna.pruners:HyperbandPruner"), EVEN))
    for _ in range(5):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0.0, 1.0))
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("hyperbnd", {}, "pruner: unknown name 'hyperbnd'; did you mean 'hyperband'? Known: "),
        ("halving", {"reduction": 3}, "pruner.reduction: unknown key; did you mean 'reduction_factor'?"),
        ("halving", {"reduction_factor": 1}, "pruner.reduction_factor: must be above 1, got 1"),
        ("halving", {"skip": 4}, "pruner.skip: skipping 4 of 5 rungs leaves none to prune at"),
        ("percentile", {"percentile": 100.0}, "pruner.percentile: must be below 100, got 100"),
        ("threshold", {}, "pruner: needs lower or upper, for example lower = 0.5"),
        ("patient", {"wraps": "medan"}, "pruner.wraps: unknown name 'medan'; did you mean 'median'?"),
        ("patient", {"wraps": {"name": "halving", "eta": 2}}, "pruner.wraps.eta: unknown key"),
        ("optuna.pruners:Nope", {}, "pruner: cannot import 'optuna.pruners:Nope'"),
    ],
)
def test_mistakes_are_named(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        make_pruner(PrunerChoice(name, options), EVEN)
    assert str(caught.value).startswith(message)


def test_a_pruner_by_import_path() -> None:
    choice = PrunerChoice("optuna.pruners:ThresholdPruner", {"lower": 0.3})
    assert simulate(choice, EVEN, qualities=np.array([0.4, 0.8])) == {0: 4000}

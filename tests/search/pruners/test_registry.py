"""Pruners by name, on simulated studies."""

from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UserError
from search.pruners.halving import SuccessiveHalving
from search.pruners.hyperband import Hyperband
from search.pruners.registry import PrunerChoice, make_pruner
from search.trials.record import REPEAT_OF

optuna.logging.set_verbosity(optuna.logging.ERROR)

EVEN = (4000, 8000, 12000, 16000, 20000)
DOUBLING = (1250, 2500, 5000, 10000, 20000)


def simulate(
    choice: PrunerChoice, rungs: tuple[int, ...], count: int = 40, seed: int = 0, qualities: np.ndarray | None = None
) -> dict[int, int]:
    """Trial number -> rung it was pruned at. The curves never cross: a better trial is better at every rung."""
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
def test_halving_is_what_it_says(curves: list[list[float]], factor: float | None, skip: int) -> None:
    """Against the rule in its own words, on curves that cross and tie; asked twice, the answer is the same."""
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
    """The last trial is second of three. Were the repeat counted, it would be second of four, and go on."""
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


def test_hyperband_deals_evenly_by_number() -> None:
    """All brackets cost about the same at their first rung, in any stretch of a study; the name plays no part."""
    pruner = Hyperband(DOUBLING)
    dealt = [pruner.bracket(number) for number in range(620)]
    assert [dealt.count(bracket) for bracket in range(5)] == [320, 160, 80, 40, 20]
    assert [dealt[31 * 7 : 31 * 8].count(bracket) for bracket in range(5)] == [16, 8, 4, 2, 1]
    assert [Hyperband(DOUBLING).bracket(number) for number in (400, 3, 17)] == [dealt[400], dealt[3], dealt[17]]


def test_brackets_of_hyperband_do_not_meet() -> None:
    """A trial that is worse than all others goes on where none of them is in its bracket."""
    pruner = Hyperband((100, 200))
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for number in range(3):
        trial = study.ask()
        trial.report(0.5 - number / 10, 100)
        others = [pruner.bracket(earlier) for earlier in range(number)]
        assert trial.should_prune() == (pruner.bracket(number) == 0 and 0 in others)


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


@pytest.mark.parametrize("eta", [2.0, 3.0])
def test_hyperband_prunes_some_of_a_small_study(eta: float) -> None:
    counts = [len(simulate(PrunerChoice("hyperband", {"reduction_factor": eta}), EVEN, 16, seed)) for seed in range(8)]
    assert min(counts) >= 3


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

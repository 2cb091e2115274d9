"""A bounded history: nothing changes up to the limit, and beyond it a sampler sees the best and a part of the rest."""

import math
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.samplers._tpe.sampler import _split_trials
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from search.samplers.history import LIMITS, BoundedHistory, _best, as_finished
from search.samplers.registry import SamplerChoice, make_sampler
from tests.benchmarks.recorded_study import SPACE

optuna.logging.set_verbosity(optuna.logging.ERROR)
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
UNIT = FloatDistribution(0.0, 1.0)


def recorded(count: int, state: TrialState = TrialState.COMPLETE) -> list[FrozenTrial]:
    """Record trials; x and the value of the n-th are n / count."""
    return [
        create_trial(
            state=state,
            value=None if state == TrialState.FAIL else n / count,
            params={"x": n / count},
            distributions={"x": UNIT},
            intermediate_values={1: n / count},
        )
        for n in range(count)
    ]


def a_study(trials: list[FrozenTrial]) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    for trial in trials:
        study._storage.create_new_trial(study._study_id, trial)
    return study


class Watching(optuna.samplers.RandomSampler):
    """Notes what it can see of the study."""

    def __init__(self) -> None:
        super().__init__(seed=0)
        self.seen: list[set[int]] = []

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        self.look(study)
        return super().infer_relative_search_space(study, trial)

    def sample_independent(self, study: optuna.Study, *arguments: Any) -> Any:
        self.look(study)
        return super().sample_independent(study, *arguments)

    def look(self, study: optuna.Study) -> None:
        self.seen.append({trial.number for trial in study._get_trials(deepcopy=False, use_cache=False)})
        ended = study._get_trials(deepcopy=False, states=ENDED, use_cache=True)
        assert {trial.number for trial in ended} <= self.seen[-1]
        assert study.direction == optuna.study.StudyDirection.MAXIMIZE


def ask(study: optuna.Study, sampler: BaseSampler) -> Trial:
    study.sampler = sampler
    trial = study.ask()
    trial.suggest_float("x", 0.0, 1.0)
    return trial


def test_beyond_the_limit_the_best_all_open_ones_and_a_part_of_the_rest_are_seen() -> None:
    study = a_study([*recorded(60), *recorded(3, TrialState.FAIL)])
    for _ in range(2):
        study.ask()
    seen = []
    for seed in (1, 1, 2):
        sampler = Watching()
        ask(study, BoundedHistory(sampler, 20, 5, seed))
        assert len(sampler.seen) == 2
        assert sampler.seen[0] == sampler.seen[1]
        seen.append({number for number in sampler.seen[0] if number < 60})
        assert sampler.seen[0] - seen[-1] == set(range(60, 65 + len(seen)))
    assert all(len(one) == 20 and one >= {55, 56, 57, 58, 59} for one in seen)
    assert seen[0] == seen[1] != seen[2]
    middle = [number for one in seen for number in one if number < 55]
    assert min(middle) < 15 < 40 < max(middle)


def test_a_part_is_chosen_for_every_trial_that_a_sampler_proposes() -> None:
    study, sampler = a_study(recorded(30)), Watching()
    bounded = BoundedHistory(sampler, 10, 5, 0)
    study.tell(ask(study, bounded), 2.0)
    ask(study, bounded)
    assert 30 not in sampler.seen[0] - {30}
    assert 30 in sampler.seen[-1]  # the best one now


SAMPLERS = {
    "tpe": lambda: TPESampler(seed=3, n_startup_trials=5),
    "tpe, group": lambda: TPESampler(seed=3, n_startup_trials=5, multivariate=True, group=True),
    "gp": lambda: GPSampler(seed=3, n_startup_trials=5),
}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", SAMPLERS)
def test_up_to_the_limit_nothing_changes(name: str) -> None:
    count = 7 if name == "gp" else 30
    _, best = LIMITS[name.partition(",")[0]]

    def proposals(*, bounded: bool) -> list[dict[str, float]]:
        study = optuna.create_study(direction="maximize")
        for number in range(count):
            sampler = SAMPLERS[name]()
            study.sampler = BoundedHistory(sampler, count, best, number) if bounded else sampler
            trial = study.ask()
            x = trial.suggest_float("x", 0.0, 1.0)
            y = trial.suggest_float("y", 0.0, 1.0) if x > 0.5 else 0.0
            study.tell(trial, x - y)
        return [trial.params for trial in study.trials]

    assert proposals(bounded=True) == proposals(bounded=False)


def test_a_long_study_is_bounded_for_tpe(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, original = [], TPESampler._build_parzen_estimator

    def build(self: TPESampler, study: Any, space: Any, trials: Any, **options: Any) -> Any:
        sizes.append(len(trials))
        return original(self, study, space, trials, **options)

    monkeypatch.setattr(TPESampler, "_build_parzen_estimator", build)
    study = a_study([*recorded(700), *recorded(500, TrialState.PRUNED)])
    running = study.ask()
    ask(study, make_sampler(SamplerChoice("tpe"), 0, 1200, SPACE))
    assert sizes == [25, 1000 - 25 + 1]
    assert running.number == 1200


def test_a_long_study_is_bounded_for_gp(monkeypatch: pytest.MonkeyPatch) -> None:
    class EnoughError(Exception):
        pass

    def fit(X: Any, **_: Any) -> None:  # noqa: N803  # Optuna's name
        raise EnoughError(len(X), X.max())

    monkeypatch.setattr("optuna.samplers._gp.sampler.gp.fit_kernel_params", fit)
    study = a_study([*recorded(350), *recorded(200, TrialState.PRUNED)])
    with pytest.raises(EnoughError) as caught:
        ask(study, make_sampler(SamplerChoice("gp"), 0, 550, SPACE))
    assert caught.value.args == (300, pytest.approx(349 / 350))


@pytest.mark.parametrize("name", ["random", "qmc", "nsgaii"])
def test_samplers_that_need_no_bound_or_all_trials_have_none(name: str) -> None:
    assert not isinstance(make_sampler(SamplerChoice(name), 0, 0, SPACE), BoundedHistory)


STUDIES = {direction: optuna.create_study(direction=direction) for direction in ("maximize", "minimize")}


@st.composite
def ended_trials(draw: st.DrawFn) -> list[FrozenTrial]:
    scores = st.sampled_from([-1.0, 0.0, 0.25, 0.5, math.inf])
    trials = []
    for number in range(draw(st.integers(1, 10))):
        curve = draw(st.dictionaries(st.integers(0, 3), st.one_of(scores, st.just(math.nan)), max_size=2))
        state = draw(st.sampled_from(ENDED))
        trial = create_trial(
            state=state,
            value=draw(scores) if state == TrialState.COMPLETE else None,
            intermediate_values=curve,
            system_attrs={"constraints:floor": draw(st.sampled_from([-1.0, 0.0, 0.5]))} if draw(st.booleans()) else {},
        )
        trial.number = number
        trials.append(trial)
    return trials


@settings(max_examples=40)
@given(ended_trials(), st.integers(1, 6), st.sampled_from(sorted(STUDIES)))
def test_the_best_are_those_that_tpe_takes(trials: list[FrozenTrial], count: int, direction: str) -> None:
    study = STUDIES[direction]
    chosen = {trial.number for trial in _best(study, trials, count)}
    assert chosen == {trial.number for trial in _split_trials(study, trials, count)[0]}


def curve(study: optuna.Study, x: float, scores: dict[int, float], state: TrialState) -> None:
    value = max(scores.values()) if state == TrialState.COMPLETE else None
    study.add_trial(
        create_trial(state=state, value=value, params={"x": x}, distributions={"x": UNIT}, intermediate_values=scores)
    )


def test_a_pruned_trial_is_seen_with_the_score_that_it_may_be_expected_to_reach() -> None:
    """Two trials gained .2 and .3 from the rung where the third was pruned; with so few, all gain the same."""
    study = optuna.create_study(direction="maximize")
    curve(study, 0.1, {10: 0.3, 20: 0.5}, TrialState.COMPLETE)
    curve(study, 0.2, {10: 0.4, 20: 0.7}, TrialState.COMPLETE)
    curve(study, 0.9, {10: 0.2}, TrialState.PRUNED)
    study.add_trial(create_trial(state=TrialState.FAIL, params={}, distributions={}))
    trials = study.get_trials()
    seen = as_finished(trials)
    assert [trial.state.name for trial in seen] == ["COMPLETE", "COMPLETE", "COMPLETE", "FAIL"]
    assert [trial.value for trial in seen] == [0.5, 0.7, pytest.approx(0.45), None]
    assert trials[2].state == TrialState.PRUNED  # the study's own is left alone
    assert as_finished(seen) is seen


def test_gp_does_not_propose_again_what_was_pruned() -> None:
    """All is pruned where x is large. Optuna's own keeps going there: it does not see it."""
    study = optuna.create_study(direction="maximize")
    for x in (0.1, 0.3, 0.5, 0.6, 0.7):
        curve(study, x, {10: x, 20: x + 0.1}, TrialState.COMPLETE)
    for x in (0.9, 0.95, 1.0):
        curve(study, x, {10: 0.0}, TrialState.PRUNED)
    choice = SamplerChoice("gp", {"n_startup_trials": 3})
    assert all(ask(study, make_sampler(choice, 0, number, SPACE)).params["x"] < 0.88 for number in range(8, 11))
    assert ask(study, GPSampler(n_startup_trials=3, seed=0)).params["x"] > 0.88

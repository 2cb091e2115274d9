"""The adapter to Optuna's internals, against the installed version."""

from pathlib import Path
from typing import TypeVar

import optuna
import pytest
from optuna.samplers import BaseSampler, BruteForceSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from search.storage import optuna_internals as optuna_trials
from search.storage.open import open_storage

T = TypeVar("T")


def seeded(number: int) -> TPESampler:
    return TPESampler(seed=100 + number, n_startup_trials=3)


def suggest(trial: Trial) -> dict[str, float]:
    values = {"a": trial.suggest_float("a", 0.0, 1.0), "b": trial.suggest_int("b", 0, 1000)}
    return values | {"c": trial.suggest_categorical("c", ["x", "y", "z"])}


def begin(trial: Trial, suggested: T) -> tuple[Trial, T]:
    return trial, suggested


def propose(study: optuna.Study) -> Trial:
    trial, values = optuna_trials.ask(study, seeded(optuna_trials.next_number(study)), suggest, begin)
    assert values == trial.params
    return trial


def finish(study: optuna.Study, trial: Trial) -> None:
    optuna_trials.tell(study, trial, seeded(trial.number), TrialState.COMPLETE, trial.params["a"])


def reopened(folder: Path) -> optuna.Study:
    """As a new process finds it: nothing cached."""
    return optuna.create_study(
        study_name="s", storage=open_storage(None, folder), direction="maximize", load_if_exists=True
    )


@pytest.fixture(scope="module")
def expected() -> list[dict[str, float]]:
    """Seven proposals of an undisturbed study."""
    study = optuna.create_study(direction="maximize")
    for _ in range(7):
        finish(study, propose(study))
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("number", [1, 5])  # drawn at random, and from the model
@pytest.mark.parametrize("drawn", [0, 2])
def test_a_proposal_cut_short_is_made_again(
    tmp_path: Path, expected: list[dict[str, float]], number: int, drawn: int
) -> None:
    class KilledError(BaseException):
        pass

    def cut_short(trial: Trial) -> None:
        if drawn > 0:
            trial.suggest_float("a", 0.0, 1.0)
        if drawn > 1:
            trial.suggest_int("b", 0, 1000)
        raise KilledError

    study = reopened(tmp_path / "cut")
    for _ in range(number):
        finish(study, propose(study))
    with pytest.raises(KilledError):
        optuna_trials.ask(study, seeded(number), cut_short, begin)
    study = reopened(tmp_path / "cut")
    assert [trial.number for trial in optuna_trials.running_trials(study)] == [number]
    again, values = optuna_trials.take_up(study, number, seeded(number), suggest, begin)
    assert values == expected[number]
    finish(study, again)
    while len(study.trials) < 7:
        finish(study, propose(study))
    assert [trial.params for trial in study.trials] == expected


def test_a_trial_taken_up_keeps_its_parameters_and_disturbs_nothing(
    tmp_path: Path, expected: list[dict[str, float]]
) -> None:
    study = reopened(tmp_path / "cut")
    for number in range(6):
        begun = propose(study)
        begun.report(0.5, 10)
        study = reopened(tmp_path / "cut")
        trial, values = optuna_trials.take_up(study, number, seeded(999), suggest, begin)
        assert values == trial.params == expected[number]
        assert optuna_trials.reported_steps(trial) == {10}
        finish(study, trial)
    finish(study, propose(study))
    assert [trial.params for trial in study.trials] == expected


def test_the_next_number_is_that_of_the_enqueued_trial(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    study.enqueue_trial({"a": 0.25})
    assert optuna_trials.next_number(study) == 0
    trial = propose(study)
    assert (trial.number, trial.params["a"]) == (0, 0.25)
    assert optuna_trials.next_number(study) == 1


def halving_study(folder: Path) -> optuna.Study:
    study = reopened(folder)
    study.pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=10, reduction_factor=2)
    return study


def test_a_pruning_decision_stays_the_same_when_asked_again(tmp_path: Path) -> None:
    """Optuna's own ``should_prune`` would let the trial pass the second time."""
    study = halving_study(tmp_path)
    for value in (0.9, 0.8):
        trial = propose(study)
        trial.report(value, 10)
        assert optuna_trials.should_prune(trial) == (value == 0.8)
    again, _ = optuna_trials.take_up(halving_study(tmp_path), 1, seeded(1), suggest, begin)
    assert not again.should_prune()
    assert optuna_trials.should_prune(again)
    stored = halving_study(tmp_path).trials
    assert [trial.system_attrs["completed_rung_0"] for trial in stored] == [0.9, 0.8]


def test_an_exhausted_sampler_does_not_lose_the_last_result(tmp_path: Path) -> None:
    study = reopened(tmp_path)
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        sampler: BaseSampler = BruteForceSampler(seed=0)
    trial, _ = optuna_trials.ask(study, sampler, lambda trial: trial.suggest_categorical("only", ["one"]), begin)
    with pytest.raises(RuntimeError, match="stop"):
        sampler.after_trial(study, study.trials[0], TrialState.COMPLETE, [0.5])
    optuna_trials.tell(study, trial, sampler, TrialState.COMPLETE, 0.5)
    assert study.trials[0].value == 0.5


def test_a_failed_tell_is_not_hidden(tmp_path: Path) -> None:
    class Broken(RandomSampler):
        def after_trial(self, *_: object) -> None:
            raise RuntimeError("broken")

    study = reopened(tmp_path)
    trial = propose(study)
    study._storage.set_trial_state_values = lambda *_: None  # as if the write had not happened
    with pytest.raises(RuntimeError, match="broken"):
        optuna_trials.tell(study, trial, Broken(), TrialState.FAIL)

"""What the only writer of a study keeps in memory is what a fresh reader finds in the database."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, cast

import optuna
import pytest
import sqlalchemy
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from quick_storage import open_quickly

from search.storage import rdb
from search.storage.errors import StorageAwayError
from search.storage.open import open_storage
from search.storage.rdb import DatabaseStorage
from search.storage.retrying_storage import RetryingStorage

optuna.logging.set_verbosity(optuna.logging.WARNING)
RANGES = {
    "rate": FloatDistribution(0.0, 1.0),
    "rank": optuna.distributions.IntDistribution(1, 9),
    "loss": CategoricalDistribution(["a", "b"]),
}


class UndoneError(Exception):
    """Ends a transaction."""


class Writer:
    """Writes at random what a driver writes."""

    def __init__(self, storage: DatabaseStorage, rng: random.Random) -> None:
        self.storage, self.rng = storage, rng

    def step(self) -> None:
        if self.rng.random() < 0.5:
            self.write()
            return
        writes = [self.write] * self.rng.randint(1, 6)
        fails = self.rng.random() < 0.3

        def transaction() -> None:
            for write in writes:
                write()
            if fails:
                raise UndoneError

        try:
            self.storage.in_transaction(transaction)
        except UndoneError:
            assert fails

    def write(self) -> None:
        storage, rng = self.storage, self.rng
        running = [one._trial_id for one in storage.get_all_trials(1, states=(TrialState.RUNNING,), deepcopy=False)]
        kinds = ["new", "param", "params", "report", "report", "user", "system", "read", "end"]
        match rng.choice(kinds) if running else "new":
            case "new":
                storage.create_new_trial(1)
            case "param":
                if "single" not in storage.get_trial(one := rng.choice(running)).params:
                    storage.set_trial_param(one, "single", rng.random(), RANGES["rate"])
            case "params":
                names = rng.sample(sorted(RANGES), 2)
                storage.set_trial_params(
                    rng.choice(running), {name: (rng.choice([0, 1]), RANGES[name]) for name in names}
                )
            case "report":
                value = rng.choice([0.5, 0.25, float("inf"), float("-inf"), float("nan")])
                storage.set_trial_intermediate_value(rng.choice(running), rng.randint(1, 3), value)
            case "user":
                storage.set_trial_user_attr(rng.choice(running), rng.choice("ab"), rng.choice([(1, 2), {"x": None}]))
            case "system":
                storage.set_trial_system_attr(rng.choice(running), rng.choice("ab"), rng.choice([1, "text", [(1,)]]))
            case "read":
                trial = storage.get_trial(rng.choice(running))
                trial.user_attrs["mine"] = trial.params["mine"] = trial.intermediate_values[99] = 1  # as ``Trial`` does
            case "end":
                state = rng.choice([TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL])
                storage.set_trial_state_values(rng.choice(running), state, [rng.random()])


def shown(trials: list[FrozenTrial]) -> list[tuple[str, ...]]:
    """As text: NaN equals NaN. The order of parameters counts, that of the rest does not."""
    return [
        (
            f"{trial.number} {trial._trial_id} {trial.state} {trial.values} {trial.datetime_complete}",
            f"{trial.params} {trial.distributions}",
            *(str(sorted(part.items())) for part in (trial.user_attrs, trial.system_attrs, trial.intermediate_values)),
        )
        for trial in trials
    ]


@pytest.fixture
def storage(tmp_path: Path) -> DatabaseStorage:
    storage = open_quickly(tmp_path)
    optuna.create_study(storage=storage, study_name="s", direction="maximize")
    storage.set_only_writer(True)
    return storage


@pytest.mark.parametrize("seed", range(12))
def test_after_any_writes_the_trials_are_as_stored(
    storage: DatabaseStorage, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rdb, "LOOK_AT_ALL_SECONDS", 1e9)  # nothing is corrected by reading it again
    writer = Writer(storage, random.Random(seed))
    for _ in range(15):
        for _ in range(4):
            writer.step()
        stored = open_storage(None, tmp_path).get_all_trials(1)
        assert shown(storage.get_all_trials(1)) == shown(stored)
        assert shown([storage.get_trial(trial._trial_id) for trial in stored]) == shown(stored)
        for trial in stored:
            assert storage.get_trial_system_attrs(trial._trial_id) == trial.system_attrs


def statements(storage: DatabaseStorage) -> list[str]:
    seen = list[str]()
    sqlalchemy.event.listen(storage.engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    return seen


def test_a_report_reads_nothing_again_however_many_trials_run(storage: DatabaseStorage) -> None:
    trials = [storage.create_new_trial(1) for _ in range(30)]
    storage.get_all_trials(1)
    seen = statements(storage)

    def report() -> int:
        storage.set_trial_intermediate_value(trials[3], 10, 0.5)
        return len([trial for trial in storage.get_all_trials(1) if trial.intermediate_values])

    assert storage.in_transaction(report) == 1
    assert [text.split()[0] for text in seen] == ["SELECT", "INSERT"]  # is it unfinished? then it is stored


def test_what_others_write_is_seen_later(
    storage: DatabaseStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rdb, "LOOK_AT_ALL_SECONDS", 1e9)
    trial = storage.create_new_trial(1)
    storage.get_all_trials(1)
    open_storage(None, tmp_path).set_trial_user_attr(trial, "note", "mine")
    assert storage.get_all_trials(1)[0].user_attrs == {}
    monkeypatch.setattr(rdb, "LOOK_AT_ALL_SECONDS", -1.0)
    assert storage.get_all_trials(1)[0].user_attrs == {"note": "mine"}


def test_what_others_enqueue_is_seen_when_it_matters(storage: DatabaseStorage, tmp_path: Path) -> None:
    storage.create_new_trial(1)
    assert len(storage.get_all_trials(1)) == 1
    other = optuna.load_study(study_name="s", storage=open_storage(None, tmp_path))
    other.enqueue_trial({"rate": 0.5})
    assert [one.number for one in storage.get_all_trials(1, states=(TrialState.WAITING,))] == [1]
    other.enqueue_trial({"rate": 0.6})
    storage.create_new_trial(1)
    numbers_and_states = [(one.number, one.state.name) for one in storage.get_all_trials(1)]
    assert numbers_and_states == [(0, "RUNNING"), (1, "WAITING"), (2, "WAITING"), (3, "RUNNING")]


def test_an_enqueued_trial_that_others_end_waits_no_longer(storage: DatabaseStorage, tmp_path: Path) -> None:
    other = optuna.load_study(study_name="s", storage=open_storage(None, tmp_path))
    other.enqueue_trial({"rate": 0.5})
    (waiting,) = storage.get_all_trials(1, states=(TrialState.WAITING,))
    other._storage.set_trial_state_values(waiting._trial_id, TrialState.RUNNING)
    assert storage.get_all_trials(1, states=(TrialState.WAITING,)) == []


def test_a_trial_whose_creation_is_stored_though_the_answer_is_lost(
    storage: DatabaseStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found and begun, and no second one is created."""
    retrying = RetryingStorage(storage)
    study = optuna.load_study(study_name="s", storage=cast(Any, retrying))
    retrying.get_all_trials(1, states=(TrialState.WAITING,))
    create = storage._backend._create_new_trial

    def lose_the_answer(*arguments: Any) -> FrozenTrial:
        monkeypatch.setattr(storage._backend, "_create_new_trial", create)
        create(*arguments)
        raise StorageAwayError("of the study", "the connection was reset")

    monkeypatch.setattr(storage._backend, "_create_new_trial", lose_the_answer)
    with pytest.warns(UserWarning, match="does not answer"):
        assert study.ask().number == 0
    assert [
        trial.state for trial in open_storage(None, Path(str(storage.engine.url.database)).parent).get_all_trials(1)
    ] == [TrialState.RUNNING]


def test_an_ended_trial_is_not_written(storage: DatabaseStorage, tmp_path: Path) -> None:
    trial = storage.create_new_trial(1)
    storage.get_all_trials(1)
    storage.set_trial_user_attr(trial, "a", 1)
    open_storage(None, tmp_path).set_trial_state_values(trial, TrialState.FAIL)  # on the dashboard, say
    writes: list[Any] = [
        lambda: storage.set_trial_user_attr(trial, "a", 2),
        lambda: storage.set_trial_system_attr(trial, "a", 2),
        lambda: storage.set_trial_intermediate_value(trial, 1, 2.0),
        lambda: storage.set_trial_params(trial, {"rate": (0.5, RANGES["rate"])}),
        lambda: storage.in_transaction(lambda: storage.set_trial_user_attr(trial, "a", 2)),
    ]
    for write in writes:
        with pytest.raises(UpdateFinishedTrialError):
            write()
    assert (storage.get_trial(trial).state, storage.get_trial(trial).user_attrs) == (TrialState.FAIL, {"a": 1})


def test_within_a_transaction_a_trial_that_it_has_ended_is_not_written(storage: DatabaseStorage) -> None:
    trial = storage.create_new_trial(1)

    def write() -> None:
        storage.set_trial_user_attr(trial, "a", 1)
        storage.set_trial_state_values(trial, TrialState.PRUNED)
        storage.set_trial_user_attr(trial, "a", 2)

    with pytest.raises(UpdateFinishedTrialError):
        storage.in_transaction(write)
    assert (storage.get_trial(trial).state, storage.get_trial(trial).user_attrs) == (TrialState.RUNNING, {})


def test_each_study_is_read_by_itself(storage: DatabaseStorage) -> None:
    other = optuna.create_study(storage=storage, study_name="other")._study_id
    mine, theirs = storage.create_new_trial(1), storage.create_new_trial(other)
    storage.get_all_trials(other)
    storage.set_trial_param(theirs, "rate", 0.5, RANGES["rate"])
    storage.set_trial_param(mine, "rate", 0.25, RANGES["rate"])
    assert [trial.params for trial in storage.get_all_trials(1)] == [{"rate": 0.25}]
    assert [trial.params for trial in storage.get_all_trials(other)] == [{"rate": 0.5}]


def test_a_study_that_was_renamed_or_deleted_is_read_again(storage: DatabaseStorage) -> None:
    trial = storage.create_new_trial(1)
    assert len(storage.get_all_trials(1)) == 1
    storage.rename_study(1, "renamed")
    assert storage.get_study_name_from_id(1) == "renamed"
    assert [one._trial_id for one in storage.get_all_trials(1)] == [trial]
    storage.delete_study(1)
    again = optuna.create_study(storage=storage, study_name="s")._study_id
    assert storage.get_all_trials(again) == []
    storage.create_new_trial(again)
    assert [one.number for one in storage.get_all_trials(again)] == [0]


def test_writes_of_a_transaction_are_stored_together_and_in_order(storage: DatabaseStorage) -> None:
    trial = storage.create_new_trial(1)
    storage.get_all_trials(1)
    seen = statements(storage)

    def write() -> dict[str, Any]:
        for key in "abcde":
            storage.set_trial_user_attr(trial, key, 1)
        storage.set_trial_user_attr(trial, "a", 2)
        for key in "ab":
            storage.set_study_system_attr(1, key, 1)
        storage.set_study_system_attr(1, "a", 2)
        return storage.get_study_system_attrs(1)

    assert storage.in_transaction(write) == {"a": 2, "b": 1}
    inserts = [text.split()[2] for text in seen if text.startswith("INSERT")]
    assert inserts == ["trial_user_attributes", "study_system_attributes"]
    assert storage.get_trial(trial).user_attrs == {"a": 2, "b": 1, "c": 1, "d": 1, "e": 1}
    with pytest.raises(KeyError):
        storage.in_transaction(lambda: storage.set_study_system_attr(99, "a", 1))


@pytest.mark.parametrize(("state", "values"), [(TrialState.COMPLETE, [0.5]), (TrialState.FAIL, None)])
def test_the_end_of_a_trial_is_known_without_reading_it(
    storage: DatabaseStorage, tmp_path: Path, state: TrialState, values: list[float] | None
) -> None:
    trial = storage.create_new_trial(1)
    storage.set_trial_intermediate_value(trial, 10, 0.25)
    storage.set_trial_user_attr(trial, "a", 1)
    storage.get_all_trials(1)
    seen = statements(storage)
    assert storage.set_trial_state_values(trial, state, values)
    known = storage.get_all_trials(1)[0]
    assert not [text for text in seen if "trial_user_attributes" in text]
    assert known == open_storage(None, tmp_path).get_all_trials(1)[0]
    assert known.state == state
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(trial, TrialState.COMPLETE, [0.1])
    assert storage.get_all_trials(1)[0] == known


def test_an_end_within_a_transaction_that_is_not_stored_is_forgotten(storage: DatabaseStorage) -> None:
    trial = storage.create_new_trial(1)
    storage.get_all_trials(1)

    def write() -> None:
        storage.set_trial_state_values(trial, TrialState.COMPLETE, [0.5])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        storage.in_transaction(write)
    assert storage.get_all_trials(1)[0].state == TrialState.RUNNING
    storage.set_trial_user_attr(trial, "a", 1)

"""Transactions of several writes: stored as a whole, or undone in the database and in its cache."""

import math
import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial
from quick_storage import empty_database, open_quickly
from stub_study import changed

from search.driver.driver import Driver
from search.driver.retries import RETRIES
from search.pruners.registry import PrunerChoice
from search.samplers.registry import SamplerChoice
from search.storage.open import open_storage
from search.storage.rdb import DatabaseStorage
from tests.benchmarks.recorded_study import InstantExecutor, spec

optuna.logging.set_verbosity(optuna.logging.WARNING)
HALF = FloatDistribution(0.0, 1.0)


class KilledError(BaseException):
    """What SIGKILL is to a driver: nothing after it is done."""


class WriteCommits:
    """Counts transactions that wrote something, or the statements that write; dies at the n-th, before it is done."""

    def __init__(self, storage: DatabaseStorage, last: int = -1, *, statements: bool = False) -> None:
        self.count, self.last, self.has_written = 0, last, False
        self.statements = statements
        engine = storage.engine
        sqlalchemy.event.listen(engine, "before_cursor_execute", self._execute)
        sqlalchemy.event.listen(engine, "commit", self._commit)
        sqlalchemy.event.listen(engine, "rollback", self._rollback)

    def _execute(self, *arguments: Any) -> None:
        writes = arguments[2].startswith(("INSERT", "UPDATE", "DELETE"))
        self.has_written |= writes
        if writes and self.statements:
            self._step()

    def _commit(self, _: object) -> None:
        if self.has_written and not self.statements:
            self._step()
        self.has_written = False

    def _step(self) -> None:
        self.count += 1
        if self.count - 1 == self.last:
            raise KilledError

    def _rollback(self, _: object) -> None:
        self.has_written = False


@pytest.fixture
def storage(tmp_path: Path) -> DatabaseStorage:
    return open_quickly(tmp_path)


@pytest.fixture
def study(storage: DatabaseStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="s", direction="maximize")


def write_all(storage: DatabaseStorage, study_id: int, trial_id: int) -> None:
    storage.set_trial_param(trial_id, "a", 0.5, HALF)
    storage.set_trial_user_attr(trial_id, "user", [1, 2])
    storage.set_trial_system_attr(trial_id, "system", "x")
    storage.set_trial_intermediate_value(trial_id, 10, 0.25)
    storage.set_study_system_attr(study_id, "study", "y")
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.75])


def assert_nothing_stored(storage: DatabaseStorage, folder: Path) -> None:
    fresh = open_storage(None, folder)
    for one in (storage, fresh):
        (trial,) = one.get_all_trials(1)
        assert (trial.state, trial.params, trial.user_attrs, trial.system_attrs) == (TrialState.RUNNING, {}, {}, {})
        assert trial.intermediate_values == {}
        assert one.get_study_system_attrs(1) == {}
        assert one.get_trial(trial._trial_id).state == TrialState.RUNNING


def test_a_transaction_is_one_commit_and_reads_its_own_writes(storage: DatabaseStorage, study: optuna.Study) -> None:
    trial_id, commits = study.ask()._trial_id, WriteCommits(storage)

    def write() -> list[float]:
        write_all(storage, 1, trial_id)
        assert storage.get_trial_system_attrs(trial_id) == {"system": "x"}
        assert storage.get_study_system_attrs(1) == {"study": "y"}
        assert storage.in_transaction(lambda: "inner") == "inner"  # and does not commit
        return storage.get_all_trials(1)[0].values

    assert storage.in_transaction(write) == [0.75]
    assert commits.count == 1
    assert storage.get_all_trials(1)[0].user_attrs == {"user": [1, 2]}


@pytest.mark.parametrize("error", [KilledError, OSError])
def test_an_error_undoes_all_and_the_transaction_can_be_repeated(
    tmp_path: Path, storage: DatabaseStorage, study: optuna.Study, error: type[BaseException]
) -> None:
    trial_id = study.ask()._trial_id

    def write(*, fails: bool) -> None:
        write_all(storage, 1, trial_id)
        assert storage.get_all_trials(1)[0].state == TrialState.COMPLETE  # now it is in the cache
        if fails:
            raise error

    with pytest.raises(error):
        storage.in_transaction(lambda: write(fails=True))
    assert_nothing_stored(storage, tmp_path)
    storage.in_transaction(lambda: write(fails=False))
    assert open_storage(None, tmp_path).get_all_trials(1)[0].values == [0.75]


def test_a_write_that_the_database_refuses_is_not_passed_over(
    tmp_path: Path, storage: DatabaseStorage, study: optuna.Study
) -> None:
    """Optuna ignores a parameter that is stored already; the transaction's earlier writes are lost with it."""
    trial_id = study.ask()._trial_id

    def write() -> None:
        write_all(storage, 1, trial_id)
        storage.set_study_system_attr(1, "study", "z")

    def write_twice() -> None:
        storage.set_trial_param(trial_id, "a", 0.5, HALF)
        storage.set_trial_param(trial_id, "a", 0.5, HALF)

    with pytest.raises(StorageInternalError, match="none of it is stored"):
        storage.in_transaction(write_twice)
    assert_nothing_stored(storage, tmp_path)
    storage.in_transaction(write)
    assert storage.get_study_system_attrs(1) == {"study": "z"}


def test_a_database_that_does_not_take_the_transaction(tmp_path: Path) -> None:
    (tmp_path / "studies.db").write_bytes(empty_database())
    storage = DatabaseStorage(f"sqlite:///{tmp_path}/studies.db", {"connect_args": {"timeout": 0.05}})
    trial_id = optuna.create_study(storage=storage, study_name="s").ask()._trial_id
    other = sqlite3.connect(tmp_path / "studies.db")
    other.execute("BEGIN")
    other.execute("SELECT * FROM trials").fetchall()  # a reader keeps a commit waiting, not the writes before it
    with pytest.raises(StorageInternalError, match="database is locked"):
        storage.in_transaction(lambda: write_all(storage, 1, trial_id))
    other.close()
    assert_nothing_stored(storage, tmp_path)
    storage.in_transaction(lambda: write_all(storage, 1, trial_id))
    assert storage.get_all_trials(1)[0].values == [0.75]


def test_parameters_that_a_trial_has_already_stay(storage: DatabaseStorage, study: optuna.Study) -> None:
    """A proposal is stored again if the answer to the first transaction was lost."""
    trial_id = study.ask()._trial_id
    for value in (0.25, 0.5):
        storage.in_transaction(lambda value=value: storage.set_trial_params(trial_id, {"a": (value, HALF)}))
    storage.set_trial_params(trial_id, {"a": (0.75, HALF), "b": (1.0, HALF)})
    assert storage.get_trial(trial_id).params == {"a": 0.25, "b": 1.0}
    with pytest.raises(ValueError, match="distribution"):
        storage.set_trial_params(study.ask()._trial_id, {"a": (0.0, CategoricalDistribution(["x"]))})


def test_compare_and_set(storage: DatabaseStorage, study: optuna.Study) -> None:
    study_id = study._study_id

    def change(old: Any, new: Any) -> bool:
        return storage.compare_and_set(study_id, "a", old, new)

    first, second = {"x": 1.5, "y": "Zoë"}, {"x": 2.0}
    assert change(None, first)
    assert not change(None, second)
    assert not change(second, first)
    assert change(first, second)
    assert storage.get_study_system_attrs(study_id) == {"a": second}
    assert change(second, None)
    assert change(None, first)


def test_trials_are_read_as_optuna_reads_them(storage: DatabaseStorage, study: optuna.Study, tmp_path: Path) -> None:
    distributions = {"a": HALF, "c": CategoricalDistribution(["x", None, 3])}
    for value, choice in ((math.inf, "x"), (-math.inf, None), (0.5, 3)):
        study.add_trial(
            create_trial(
                value=value,
                params={"c": choice, "a": 0.25},
                distributions=distributions,
                user_attrs={"cost": {"b": [1, None]}, "a": "text"},
                system_attrs={"z": 1, "fixed_params": {"a": 0.25}},
                intermediate_values={30: math.nan, 10: 0.5, 20: -math.inf},
            )
        )
    study.enqueue_trial({"a": 0.5})
    study.ask()
    study.ask().suggest_float("a", 0.0, 1.0)
    optuna.create_study(storage=storage, study_name="other").ask()
    own = RDBStorage(f"sqlite:///{tmp_path}/studies.db")
    expected = own.get_all_trials(1)
    assert len(expected) == 5
    assert [repr(trial) for trial in storage.get_all_trials(1)] == [repr(trial) for trial in expected]
    assert repr(storage.get_trial(2)) == repr(own.get_trial(2))
    waiting_or_running = (TrialState.WAITING, TrialState.RUNNING)
    assert [trial.number for trial in storage.get_all_trials(1, states=waiting_or_running)] == [3, 4]
    with pytest.raises(KeyError):
        storage.get_trial(99)
    storage.set_study_system_attr(1, "dash_1:a", 1)
    storage.set_study_system_attr(1, "dashx1:a", 2)  # no wildcard
    assert storage.get_study_system_attrs(1) == own.get_study_system_attrs(1) == {"dash_1:a": 1, "dashx1:a": 2}
    assert storage.study_system_attrs_starting(1, "dash_1:") == {"dash_1:a": 1}


def test_a_trial_of_five_rungs_waits_seven_times_for_the_disk(storage: DatabaseStorage, tmp_path: Path) -> None:
    counts = []
    Driver(spec(2, pruner="none"), storage, InstantExecutor(), tmp_path / "recorded").run()
    commits = WriteCommits(storage)
    for trials in (5, 11):
        Driver(spec(trials, pruner="none"), storage, InstantExecutor(), tmp_path / "recorded").run()
        counts.append(commits.count - sum(counts))
    # Created, proposed, four rungs, and the last rung with the end. What a run of the driver writes once cancels out.
    assert (counts[1] - counts[0]) / 3 == 7


def outcome(storage: DatabaseStorage) -> list[tuple[Any, ...]]:
    trials = optuna.load_study(study_name="stub", storage=storage).get_trials()
    fields = ("state", "params", "distributions", "values", "intermediate_values", "system_attrs")
    return [
        (*(getattr(trial, field) for field in fields), {k: v for k, v in trial.user_attrs.items() if k != RETRIES})
        for trial in trials
    ]


@pytest.mark.parametrize(("statements", "every"), [(False, 4), (True, 12)])
def test_a_driver_killed_at_any_transaction_or_within_one(tmp_path: Path, statements: bool, every: int) -> None:
    """Like test_crash_points.py, which kills drivers of a storage in memory."""
    pruner = PrunerChoice("optuna.pruners:SuccessiveHalvingPruner", {"min_resource": 20, "reduction_factor": 2})
    study = changed(trials=3, pruner=pruner, sampler=SamplerChoice("tpe", {"n_startup_trials": 1}))
    whole = open_quickly(tmp_path / "whole")
    writes = WriteCommits(whole, statements=statements)
    Driver(study, whole, InstantExecutor(), tmp_path / "whole" / "stub").run()
    assert writes.count > (50 if statements else 15)
    for last in range(0, writes.count, every):
        folder = tmp_path / str(last)
        storage = open_quickly(folder)
        WriteCommits(storage, last, statements=statements)
        with pytest.raises(KilledError):
            Driver(study, storage, InstantExecutor(), folder / "stub").run()
        resumed = open_quickly(folder)
        assert Driver(study, resumed, InstantExecutor(), folder / "stub").run().finished
        assert outcome(resumed) == outcome(whole), f"killed at write {last}"


def pruned(study: optuna.Study) -> optuna.trial.FrozenTrial:
    """Return a pruned trial with two reports, and attributes of which two are to go."""
    trial = study.ask({"a": HALF})
    for step, value in ((1, 0.1), (2, 0.2)):
        trial.report(value, step)
    for name in ("stays", "goes"):
        trial.set_user_attr(name, 1)
        trial.storage.set_trial_system_attr(trial._trial_id, name, 1)
    return study.tell(trial, state=TrialState.PRUNED)


def reopen(storage: DatabaseStorage, trial: optuna.trial.FrozenTrial) -> None:
    storage.reopen_trial(trial._trial_id, {"goes"}, lambda key: key == "goes")


def test_a_pruned_trial_is_reopened(storage: DatabaseStorage, study: optuna.Study, tmp_path: Path) -> None:
    before = pruned(study)
    assert study.trials[0].value == 0.2  # and is now in the cache as an ended one
    reopen(storage, before)
    reopen(storage, before)  # as after an answer that was lost
    for one in (storage, open_quickly(tmp_path)):
        trial = optuna.load_study(study_name=study.study_name, storage=one).trials[0]
        assert (trial.state, trial.values, trial.datetime_complete) == (TrialState.RUNNING, None, None)
        assert (trial.params, trial.intermediate_values) == (before.params, before.intermediate_values)
        assert (trial.user_attrs, trial.system_attrs) == ({"stays": 1}, {"stays": 1})
        assert trial.datetime_start == before.datetime_start
    storage.set_trial_intermediate_value(before._trial_id, 3, 0.3)
    storage.set_trial_state_values(before._trial_id, TrialState.COMPLETE, [0.3])
    assert (study.trials[0].state, study.trials[0].value, study.best_value) == (TrialState.COMPLETE, 0.3, 0.3)
    reopen(storage, before)
    assert study.trials[0].state == TrialState.COMPLETE


def test_a_reopening_is_undone_with_its_transaction(storage: DatabaseStorage, study: optuna.Study) -> None:
    before = pruned(study)
    assert study.trials[0].state == TrialState.PRUNED

    def fail() -> None:
        reopen(storage, before)
        assert study.trials[0].state == TrialState.RUNNING
        raise KilledError

    with pytest.raises(KilledError):
        storage.in_transaction(fail)
    assert study.trials[0] == before


def test_who_watches_a_study_sees_what_another_process_reopens(
    storage: DatabaseStorage, study: optuna.Study, tmp_path: Path
) -> None:
    before = pruned(study)
    watching = open_quickly(tmp_path)
    watching.sees_reopened = True
    seen = optuna.load_study(study_name=study.study_name, storage=watching)
    assert seen.trials[0].state == TrialState.PRUNED
    reopen(storage, before)
    assert seen.trials[0].state == TrialState.RUNNING
    storage.set_trial_state_values(before._trial_id, TrialState.PRUNED, [0.4])
    assert seen.trials[0].value == 0.4
    reopen(storage, before)  # between two looks
    storage.set_trial_state_values(before._trial_id, TrialState.COMPLETE, [0.5])
    assert (seen.trials[0].state, seen.trials[0].value) == (TrialState.COMPLETE, 0.5)

"""A storage that does not answer for a while: the search waits, and nothing is done twice."""

import itertools
import os
import random
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from faulty_storage import FaultyStorage, nothing
from inline_executor import InlineExecutor
from memory_storage import MemoryStorage
from optuna.trial import TrialState, create_trial
from stub_study import SPEC, changed

from search.driver.driver import Driver
from search.driver.events import Event, TrialEnded
from search.preflight.study_inputs import StudyInputs
from search.recorded.study import create_or_load
from search.samplers.registry import SamplerChoice
from search.storage import retrying_storage
from search.storage.errors import StorageAwayError, StorageError, StorageFullError
from search.storage.retrying_storage import RetryingStorage


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying_storage, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(retrying_storage, "LAST_PAUSE", 0.0)


def some_lost(*faults: str) -> Callable[[], str]:
    """Return these faults in turn, "" for none; two calls in a row must pass, since a repetition takes two."""
    return itertools.cycle(faults).__next__


def lost_at_random() -> Callable[[], str]:
    rng = random.Random(7)
    return lambda: rng.choice(["before", "after", "", ""])


def outcome(storage: FaultyStorage) -> list[tuple[Any, ...]]:
    storage.heal()
    return [
        (t.state.name, t.params, t.distributions, t.values, t.intermediate_values, t.user_attrs, t.system_attrs)
        for t in optuna.load_study(study_name="stub", storage=storage).get_trials()
    ]


class InTheMiddle:
    """Loses each transaction once, each a call later than the one before; the next try of it passes."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.target, self.is_lost = -1, False

    def __call__(self, call: int) -> str:
        if call == 0:
            self.is_lost = not self.is_lost
            self.target += self.is_lost
        return self.fault if self.is_lost and call == self.target % 7 else ""


FAULTS = {
    "before": lambda: (some_lost("before", "", ""),),
    "after": lambda: (some_lost("after", ""),),  # every call
    "both": lambda: (some_lost("after", "before", "after", "", ""),),
    "random": lambda: (lost_at_random(),),
    "before, within": lambda: (nothing, InTheMiddle("before")),
    "after, within": lambda: (some_lost("after", "", ""), InTheMiddle("after")),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("sampler", "pruner"),
    [
        (SamplerChoice("tpe", {"n_startup_trials": 2, "n_ei_candidates": 4}), "halving"),
        (SamplerChoice("nsgaii", {"population_size": 2}), "hyperband"),
    ],
    ids=["tpe", "nsgaii"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_call_of_a_study_is_lost(tmp_path: Path, sampler: SamplerChoice, pruner: str, fault: str) -> None:
    spec = changed(trials=5, pruner=pruner, sampler=sampler)
    whole, faulty = FaultyStorage(), FaultyStorage(*FAULTS[fault]())
    Driver(spec, whole, InlineExecutor({}), tmp_path / "whole").run()
    seen: list[Event] = []
    driver = Driver(spec, faulty, InlineExecutor({}), tmp_path / "faulty")
    assert driver.remaining.trials == 5
    assert driver.run([seen.append]).finished
    assert outcome(faulty) == outcome(whole)
    assert [event.number for event in seen if isinstance(event, TrialEnded)] == list(range(5))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_study_that_is_created_again() -> None:
    """The answer to its deletion is lost too."""
    faulty = FaultyStorage(some_lost("after", ""))
    retrying: Any = RetryingStorage(faulty)
    create_or_load(SPEC, retrying, StudyInputs("old data"))
    create_or_load(SPEC, retrying, StudyInputs("new data"))
    faulty.heal()
    assert len(faulty.get_all_studies()) == 1
    assert len(outcome(faulty)) == 1


def test_a_trial_like_the_last_one_is_a_new_one() -> None:
    storage = MemoryStorage()
    retrying: Any = RetryingStorage(storage)
    study = optuna.create_study(storage=retrying)
    for _ in range(2):
        retrying.create_new_trial(study._study_id, create_trial(state=TrialState.WAITING, user_attrs={"a": 1}))
    assert len(study.get_trials()) == 2


class Away:
    """A storage that does not answer until it may."""

    def __init__(self, tries: int) -> None:
        self.left = tries

    def __call__(self) -> str:
        self.left -= 1
        if self.left >= 0:
            raise StorageAwayError("s", "no route to host")
        return "answer"


def messages(caught: list[warnings.WarningMessage]) -> list[str]:
    return [str(warning.message) for warning in caught]


def test_one_line_when_it_goes_and_one_when_it_is_back() -> None:
    retrying = RetryingStorage(MemoryStorage(), "sqlite:///s.db")
    for _ in range(2):  # the second time it is said again
        with pytest.warns(UserWarning, match="sqlite") as caught:
            assert retrying.retry(Away(3)) == "answer"
        assert messages(list(caught)) == [
            "storage sqlite:///s.db does not answer (no route to host); trying again for 10 min",
            "storage sqlite:///s.db answers again after 0 s",
        ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Replace the clock by one that only sleeping advances; pauses are those of users."""
    monkeypatch.undo()
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    yield now
    monkeypatch.undo()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pauses_grow_and_patience_ends(clock: list[float]) -> None:
    tries: list[float] = []

    def never() -> None:
        tries.append(clock[0])
        raise StorageAwayError("s", "no route to host")

    retrying = RetryingStorage(MemoryStorage(), "s")
    with pytest.raises(StorageError, match=r"^storage s has not answered for 10 min \(no route to host\); .*same"):
        retrying.retry(never)
    pauses = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert [round(pause, 1) for pause in pauses[:6]] == pytest.approx([0.5, 1, 2, 4, 8, 15], abs=0.11)
    assert 600 <= tries[-1] < 616
    before = len(tries)
    with pytest.raises(StorageError, match="for 10 min"):
        retrying.retry(never)  # on the way out
    assert len(tries) == before + 1


def test_a_full_disk_is_not_waited_for() -> None:
    def full() -> None:
        raise StorageFullError("s")

    with pytest.raises(StorageFullError, match="its disk is full; nothing is lost"):
        RetryingStorage(MemoryStorage()).retry(full)


def test_the_guard_is_asked_before_every_try_of_a_write() -> None:
    asked: list[str] = []
    retrying: Any = RetryingStorage(FaultyStorage(some_lost("before", "")))
    retrying.guard = lambda: asked.append("may I")
    with pytest.warns(UserWarning, match="does not answer|answers again"):
        study = retrying.create_new_study([optuna.study.StudyDirection.MAXIMIZE], "s")
    assert len(asked) == 2
    with pytest.warns(UserWarning, match="answers again"):
        retrying.get_study_system_attrs(study)
    assert len(asked) == 2

    def refuse() -> None:
        raise StorageError("no")

    retrying.guard = refuse
    with pytest.raises(StorageError, match="no"):
        retrying.set_study_system_attr(study, "a", 1)
    retrying.inner.heal()
    assert retrying.inner.get_study_system_attrs(study) == {}


class CountingStorage(MemoryStorage):
    begun = 0

    def in_transaction(self, write: Callable[[], Any]) -> Any:
        self.begun += 1
        return super().in_transaction(write)


def test_a_transaction_is_repeated_as_a_whole() -> None:
    retrying: Any = RetryingStorage(CountingStorage())
    assert retrying.begun == 0  # what is not Optuna's is passed through
    seen: list[str] = []
    away = Away(1)

    def write() -> str:
        seen.append("first")
        answer = retrying.retry(away)  # within the transaction nothing is repeated
        seen.append("second")
        return answer

    with pytest.warns(UserWarning, match="answers again"):
        assert retrying.in_transaction(write) == "answer"
    assert seen == ["first", "first", "second"]
    assert retrying.inner.begun == 2


def test_ctrl_c_ends_the_waiting(tmp_path: Path) -> None:
    """One line, and all trials can be resumed."""
    spec = changed(trials=3, pruner="halving")
    whole, storage = FaultyStorage(), FaultyStorage()
    Driver(spec, whole, InlineExecutor({}), tmp_path / "whole").run()
    checkpoints: dict[int, Any] = {}

    def pull_the_plug(event: Event) -> None:
        if isinstance(event, TrialEnded):
            storage.fault = lambda: "after"
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()

    driver = Driver(spec, storage, InlineExecutor(checkpoints), tmp_path / "study", storage_name="sqlite:///s.db")
    with pytest.warns(UserWarning, match="sqlite") as caught, pytest.raises(KeyboardInterrupt):
        driver.run([pull_the_plug])
    assert messages(list(caught)) == [
        "storage sqlite:///s.db does not answer (lost after the call); trying again for 10 min",
        "stopped while storage sqlite:///s.db does not answer; when it is back, run the same command again to resume",
    ]
    storage.heal()
    assert Driver(spec, storage, InlineExecutor(checkpoints), tmp_path / "study").run().finished
    assert outcome(storage) == outcome(whole)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_storage_that_is_given_up_fails_no_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails neither the proposal in progress nor the run in progress."""
    monkeypatch.setattr(retrying_storage, "PATIENCE_SECONDS", 0.0)
    spec = changed(trials=3, sampler=SamplerChoice("tpe", {"n_startup_trials": 1}))
    counted = itertools.count()

    def count(*_: int) -> str:
        next(counted)
        return ""

    counting = FaultyStorage(count, count)
    Driver(spec, counting, InlineExecutor({}), tmp_path / "whole").run()
    for call in range(1, next(counted) - 8, 5):  # drawing the last figure and releasing the lease may fail
        storage, left = FaultyStorage(), itertools.count(call, -1)
        storage.fault = storage.fault_within = lambda *_, left=left: "before" if next(left) == 0 else ""
        with pytest.raises(StorageError):
            Driver(spec, storage, InlineExecutor({}), tmp_path / str(call)).run()
        states = {trial[0] for trial in outcome(storage)} if optuna.get_all_study_names(storage) else set()
        assert "FAIL" not in states

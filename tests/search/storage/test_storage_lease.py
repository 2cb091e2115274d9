"""One driver a study, wherever it runs."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from inline_executor import InlineExecutor
from memory_storage import MemoryStorage
from optuna.storages import BaseStorage
from quick_storage import open_quickly
from stub_study import changed

from data.errors import UserError
from search.driver.driver import Driver
from search.driver.events import Event, TrialEvaluated
from search.storage import file_lease, storage_lease
from search.storage.file_lease import LeaseHolder
from search.storage.open import open_storage
from search.storage.retrying_storage import RetryingStorage
from search.storage.storage_lease import KEY, LeaseLostError, StorageLease

FORK = multiprocessing.get_context("fork")  # has everything imported
SPEC = changed(trials=3, pruner="halving")


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_lease, "LOOK_SECONDS", 0.05)


def driver(storage: BaseStorage, folder: Path) -> Driver:
    return Driver(SPEC, storage, InlineExecutor({}), folder)


def stored(storage: BaseStorage, study: str = "stub") -> Any:
    return storage.get_study_system_attrs(storage.get_study_id_from_name(study)).get(KEY)


def store(storage: BaseStorage, holder: LeaseHolder) -> None:
    storage.set_study_system_attr(storage.get_study_id_from_name("stub"), KEY, holder.stored())


def elsewhere(**fields: Any) -> LeaseHolder:
    return replace(LeaseHolder.this_process(), host="far", pid=1, place="another machine", **fields)


def begun(storage: BaseStorage, folder: Path) -> None:
    assert driver(storage, folder).remaining.trials == 3


def test_the_holder_is_known_and_leaves_nothing(tmp_path: Path) -> None:
    storage = open_storage(None, tmp_path)
    seen: list[Any] = []

    def look(event: Event) -> None:  # noqa: ARG001
        seen.append(stored(storage))

    begun(storage, tmp_path / "s")
    assert stored(storage) is None
    assert driver(storage, tmp_path / "s").run([look]).finished
    assert {(lease["pid"], lease["id"]) for lease in seen} == {(os.getpid(), seen[0]["id"])}
    assert stored(storage) is None


def test_the_driver_gives_signs_of_life_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, waits, beats = MemoryStorage(), list[float | None](), list[int]()

    class Waiting(InlineExecutor):
        def events(self, timeout: float | None) -> Any:
            waits.append(timeout)
            beats.append(stored(storage)["beats"])
            return super().events(timeout)

    Driver(SPEC, storage, Waiting({}), tmp_path / "a").run()
    assert all(wait is not None and 5 < wait <= 10 for wait in waits)
    assert set(beats) == {0}
    beats.clear()
    monkeypatch.setattr(storage_lease, "BEAT_SECONDS", 0.0)
    Driver(changed(trials=6, pruner="halving"), storage, Waiting({}), tmp_path / "a").run()
    assert beats == list(range(len(beats)))


@pytest.fixture
def child() -> Any:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()


def of_process(pid: int) -> LeaseHolder:
    return replace(LeaseHolder.this_process(), pid=pid, started=file_lease._started(pid))


def test_who_lives(child: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = of_process(child.pid)
    assert holder.lives()
    assert LeaseHolder.read(holder.stored()) == holder
    assert LeaseHolder.read({**holder.stored(), "from": "the future"}) == holder
    assert replace(holder, started="1").lives() is False  # the process id was used again
    assert replace(holder, started="").lives() is None
    assert replace(holder, place="another machine").lives() is None
    assert LeaseHolder.this_process().lives() is False  # nobody else's
    child.kill()
    deadline = time.monotonic() + 30
    while file_lease._started(child.pid) != "dead" and time.monotonic() < deadline:  # a zombie
        time.sleep(0.01)
    assert holder.lives() is False
    child.wait()
    assert holder.lives() is False
    monkeypatch.setattr(Path, "readlink", lambda _: 1 / 0 and None)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    file_lease._place.cache_clear()
    bare = LeaseHolder.this_process()  # without /proc
    assert (bare.started, bool(bare.place), replace(bare, pid=os.getppid()).lives()) == ("", True, None)
    assert replace(bare, pid=child.pid).lives() is False
    monkeypatch.undo()
    file_lease._place.cache_clear()


def test_a_living_holder_on_this_machine_is_named_at_once(tmp_path: Path, child: Any) -> None:
    storage = open_storage(None, tmp_path)
    begun(storage, tmp_path / "a")
    store(storage, of_process(child.pid))
    message = rf"study 'stub' is already being run by process {child.pid} on .* since 20\d\d-.*--name NEW"
    started = time.monotonic()
    with pytest.raises(UserError, match=message):
        driver(storage, tmp_path / "b").run()
    with pytest.raises(UserError, match=message):
        _ = driver(storage, tmp_path / "c").remaining
    assert time.monotonic() - started < 15  # far less than it takes to watch one
    child.kill()
    child.wait()
    assert driver(storage, tmp_path / "b").run().finished  # at once, and without a word


def test_a_holder_elsewhere_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_lease, "WATCH_SECONDS", 60.0)
    storage, holder = MemoryStorage(), elsewhere()
    begun(storage, tmp_path / "a")
    store(storage, holder)
    threading.Timer(0.3, store, (storage, holder.beaten())).start()
    with (
        pytest.warns(UserWarning, match="marked as run by process 1 on far since .* watching for up to 60 s"),
        pytest.raises(UserError, match="already being run by process 1 on far"),
    ):
        driver(storage, tmp_path / "b").run()


def test_a_silent_holder_elsewhere_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_lease, "WATCH_SECONDS", 0.3)
    storage = MemoryStorage()
    begun(storage, tmp_path / "a")
    store(storage, elsewhere())
    with pytest.warns(UserWarning, match="no heartbeat for 0 s; taking study 'stub' over"):
        assert driver(storage, tmp_path / "b").run().finished


def test_a_holder_that_gives_the_lease_back_is_followed(tmp_path: Path) -> None:
    storage = MemoryStorage()
    begun(storage, tmp_path / "a")
    store(storage, elsewhere())
    study_id = storage.get_study_id_from_name("stub")
    threading.Timer(0.2, storage.set_study_system_attr, (study_id, KEY, None)).start()
    with pytest.warns(UserWarning, match="watching"):
        assert driver(storage, tmp_path / "b").run().finished


def test_ctrl_c_ends_the_watching(tmp_path: Path) -> None:
    storage = MemoryStorage()
    begun(storage, tmp_path / "a")
    store(storage, elsewhere())
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.warns(UserWarning, match="watching"), pytest.raises(KeyboardInterrupt):
        driver(storage, tmp_path / "b").run()


class Robbed(InlineExecutor):
    """After this many events the driver is stopped for a while, as by SIGSTOP, and another one takes over."""

    def __init__(self, after: int, take_over: Callable[[], None]) -> None:
        super().__init__({})
        self.left, self.take_over = after, take_over

    def events(self, timeout: float | None) -> Any:
        self.left -= 1
        if self.left == 0:
            self.take_over()
        return super().events(timeout)


def content(storage: BaseStorage) -> list[str]:
    study_id = storage.get_study_id_from_name("stub")
    attributes = [storage.get_study_system_attrs(study_id), storage.get_study_user_attrs(study_id)]
    return [repr(part) for part in (*attributes, *storage.get_all_trials(study_id))]


@pytest.mark.parametrize("clock", ["monotonic", "time"])
def test_a_driver_that_was_stopped_leaves_the_study_to_its_follower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """Wherever it was stopped, it writes nothing any more. A sleeping machine's monotonic clock may stand still."""
    real = getattr(time, clock)
    undisturbed = Robbed(0, lambda: None)
    Driver(SPEC, MemoryStorage(), undisturbed, tmp_path / "whole").run()
    assert undisturbed.left <= -10  # all events
    for after in range(1, 1 - undisturbed.left):
        storage, late, at_takeover = MemoryStorage(), [0.0], list[Any]()
        monkeypatch.setattr(time, clock, lambda late=late: real() + late[0])

        def take_over(storage: Any = storage, late: Any = late, kept: Any = at_takeover) -> None:
            late[0] = 25.0
            store(storage, elsewhere())
            kept += content(storage)

        with pytest.raises(LeaseLostError, match=r"'stub' has been taken over by process 1 on far since .* leaves it"):
            Driver(SPEC, storage, Robbed(after, take_over), tmp_path / str(after)).run()
        assert content(storage) == at_takeover


def test_a_study_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    storage = open_storage(None, tmp_path)
    patient = RetryingStorage(storage)
    study = optuna.create_study(storage=storage, study_name="s")
    lease = StorageLease("s", patient)
    with lease:
        lease.take(study)
        optuna.delete_study(study_name="s", storage=storage)
        lease._last_beat = 0.0, 0.0
        with pytest.raises(LeaseLostError, match="study 's' is gone from its storage"):
            lease.beat()
    with pytest.raises(UserError, match="was deleted a moment ago"):
        lease.take(study)


def test_signs_of_life(tmp_path: Path) -> None:
    """They end when due and not before; a late driver continues if no other one took over."""
    storage = open_quickly(tmp_path)
    study = optuna.create_study(storage=storage, study_name="s")
    with StorageLease("s", RetryingStorage(storage)) as lease:
        assert lease.due_seconds is None
        lease.take(study)
        assert 0 < lease.due_seconds <= 10
        lease.beat()
        lease.verify()
        assert stored(storage, "s")["beats"] == 0
        for beats, step in enumerate((lease.beat, lease.verify, lease.beat), start=1):
            lease._last_beat = 0.0, 0.0
            step()
            assert stored(storage, "s")["beats"] == beats
            assert lease.due_seconds > 0
    assert stored(storage, "s") is None


def race(url: str, folder: Path, studies: int, late: float, start: Any, results: Any) -> None:
    """Take all studies, both racers at the same moments, but one of them is late to write what it has read."""
    storage: Any = open_storage(url, folder)
    won, write = [], storage.compare_and_set
    storage.compare_and_set = lambda *args: (time.sleep(late), write(*args))[1]
    for number in range(studies):
        lease = StorageLease(f"s{number}", RetryingStorage(storage))
        study = optuna.load_study(study_name=f"s{number}", storage=storage)
        start.wait(60)
        try:
            lease.take(study)
            won.append(number)
        except UserError as error:
            if "already being run by process" not in str(error):
                raise
    results.put(won)
    start.wait(60)  # alive until both are done


def take_at_once(url: str, folder: Path, studies: int) -> list[int]:
    """Let two processes take the studies, and return the numbers of all that were won, in order."""
    storage = open_storage(url, folder)
    for number in range(studies):
        optuna.create_study(storage=storage, study_name=f"s{number}")
    start, results = FORK.Barrier(2), FORK.Queue()
    racers = [FORK.Process(target=race, args=(url, folder, studies, late, start, results)) for late in (0.0, 0.1)]
    for racer in racers:
        racer.start()
    won = [number for _ in racers for number in results.get(timeout=60)]
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0, 0]
    return sorted(won)


def test_of_two_at_the_same_moment_exactly_one_wins(tmp_path: Path) -> None:
    open_quickly(tmp_path)
    assert take_at_once(f"sqlite:///{tmp_path}/studies.db", tmp_path, 25) == list(range(25))


def drive_and_stop(url: str, folder: Path, lines: Any) -> None:
    """A driver process that stops itself, as SIGSTOP from outside would, in the middle of its study."""
    seen: list[Event] = []

    def stop_once(event: Event) -> None:
        seen.append(event)
        if sum(isinstance(e, TrialEvaluated) for e in seen) == 7:
            os.kill(os.getpid(), signal.SIGSTOP)

    try:
        Driver(SPEC, open_storage(url, folder), InlineExecutor({}), folder / "first").run([stop_once])
    except UserError as error:
        lines.put(str(error))
        sys.exit(2)


def test_a_really_stopped_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_lease, "OVERDUE_SECONDS", 0.2)
    monkeypatch.setattr(storage_lease, "WATCH_SECONDS", 0.5)
    url, lines = f"sqlite:///{tmp_path}/s.db", FORK.Queue()
    storage = open_storage(url, tmp_path)
    first = FORK.Process(target=drive_and_stop, args=(url, tmp_path, lines))
    first.start()
    assert first.pid is not None
    assert os.waitpid(first.pid, os.WUNTRACED)[1] == 0x137F | signal.SIGSTOP << 8
    with pytest.raises(UserError, match=f"already being run by process {first.pid} on"):
        driver(storage, tmp_path / "second").run()
    monkeypatch.setattr(LeaseHolder, "lives", lambda _: None)  # as from another machine
    with pytest.warns(UserWarning, match="taking study 'stub' over"):
        assert driver(storage, tmp_path / "second").run().finished
    after = content(storage)
    os.kill(first.pid, signal.SIGCONT)
    assert "has been taken over by another driver" in lines.get(timeout=30)
    first.join(30)
    assert first.exitcode == 2
    assert content(storage) == after

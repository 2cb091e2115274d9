"""A study in a real PostgreSQL server, interrupted and resumed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState
from stub_study import StubStudy, changed

from data.errors import UserError
from search.driver.driver import Driver
from search.driver.events import Event, TrialEnded, TrialEvaluated, TrialStarted
from search.pruners.registry import PrunerChoice
from search.samplers.registry import SamplerChoice
from search.storage.errors import StorageAwayError
from search.storage.open import describe_storage, open_storage
from search.storage.rdb import DatabaseStorage

pytestmark = pytest.mark.slow  # starts a server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of our own on the loopback interface."""

    url: str
    control: Callable[..., None]  # pg_ctl with these arguments

    def start(self) -> None:
        self.control("-w", "start")

    def stop(self) -> None:
        """Stop the server at once, as if it were killed."""
        self.control("-m", "immediate", "stop")


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")), *filter(None, [shutil.which("initdb")])]
    if not found:
        pytest.skip("no PostgreSQL server on this machine")
    binaries = Path(found[-1]).parent
    # Not among pytest's folders, which another run of pytest closes to all other users.
    folder = Path(tempfile.mkdtemp(prefix="onebert-postgresql-"))
    # PostgreSQL refuses to run as root.
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if become:
        shutil.chown(folder, "postgres")
    cluster, port = str(folder / "cluster"), _free_port()

    def call(*command: str) -> None:
        subprocess.run([*become, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

    call(str(binaries / "initdb"), "-D", cluster, "-U", "onebert", "-A", "trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"

    def control(*arguments: str) -> None:
        call(str(binaries / "pg_ctl"), "-D", cluster, "-o", options, "-l", str(folder / "log"), *arguments)

    server = Server(f"postgresql://onebert@127.0.0.1:{port}/postgres", control)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def server(running: Server) -> str:
    """Return the URL of the server."""
    return running.url


def test_a_study_is_interrupted_and_continues(server: str, tmp_path: Path) -> None:
    study = StubStudy(tmp_path, changed(pruner="halving", trials=5))
    undisturbed = StubStudy(tmp_path / "sqlite", changed(pruner="halving", trials=5))
    undisturbed.run()

    def driver() -> Driver:
        return Driver(study.spec, open_storage(server, tmp_path), study.executor(), study.folder)

    stopping = driver()
    seen: list[Event] = []

    def stop_once(event: Event) -> None:
        seen.append(event)
        if isinstance(event, TrialEvaluated) and sum(isinstance(e, TrialEvaluated) for e in seen) == 6:
            os.kill(os.getpid(), 2)

    assert not stopping.run([stop_once]).finished
    assert driver().run().finished
    trials = optuna.load_study(study_name="stub", storage=open_storage(server, tmp_path)).get_trials()
    assert [(t.state, t.params, t.value) for t in trials] == [(t.state, t.params, t.value) for t in undisturbed.trials]


def test_pruned_trials_continue_after_an_interruption_and_are_seen_to(server: str, tmp_path: Path) -> None:
    halving = PrunerChoice("halving", {"revive": True, "reduction_factor": 2.0})
    spec = changed(pruner=halving, sampler=SamplerChoice("random"), trials=10, seed=8, name="revived")
    study, undisturbed = StubStudy(tmp_path, spec), StubStudy(tmp_path / "sqlite", spec)
    undisturbed.run()
    watching, seen, continued = open_storage(server, tmp_path), list[set[TrialState]](), set[int]()
    watching.sees_reopened = True

    def watch(event: Event) -> None:
        if isinstance(event, TrialEnded):  # so that it has seen the trial as ended
            watching.get_all_trials(watching.get_study_id_from_name("revived"))
        if isinstance(event, TrialStarted) and event.revived:
            continued.add(event.number)
        if isinstance(event, TrialEvaluated) and event.number in continued and not seen:
            trials = watching.get_all_trials(watching.get_study_id_from_name("revived"))
            seen.append({trial.state for trial in trials if trial.number in continued})
            os.kill(os.getpid(), 2)

    def driver() -> Driver:
        return Driver(spec, open_storage(server, tmp_path), study.executor(), study.folder)

    assert not driver().run([watch]).finished
    assert seen == [{TrialState.RUNNING}]
    assert driver().run().finished
    trials = optuna.load_study(study_name="revived", storage=open_storage(server, tmp_path)).get_trials()
    assert [(t.state, t.params, t.value) for t in trials] == [(t.state, t.params, t.value) for t in undisturbed.trials]


def test_a_server_that_goes_away_in_the_middle_of_a_study(running: Server, tmp_path: Path) -> None:
    """Killed twice while trials train, and started again after a while: nothing is lost or recorded twice."""
    spec = changed(pruner="halving", trials=5, name="away")
    undisturbed, study = StubStudy(tmp_path / "sqlite", spec), StubStudy(tmp_path, spec)
    undisturbed.run()
    driver = Driver(spec, open_storage(running.url, tmp_path), study.executor(), study.folder, storage_name="ours")
    threads: list[threading.Thread] = []

    def kill_it(event: Event) -> None:
        study.events.append(event)
        if sum(isinstance(e, type(event)) for e in study.events) == 3 and isinstance(
            event, TrialEvaluated | TrialEnded
        ):
            running.stop()
            threads.append(threading.Timer(2.0, running.start))
            threads[-1].start()

    with pytest.warns(UserWarning, match="storage ours") as caught:
        assert driver.run([kill_it]).finished
    for thread in threads:
        thread.join()
    lines = [str(warning.message) for warning in caught]
    assert ["does not answer" in line for line in lines] == [True, False, True, False]
    assert ["answers again after" in line for line in lines] == [False, True, False, True]
    assert all("\n" not in line and "; trying again for 10 min" in line for line in lines[::2])
    assert [event.number for event in study.events if isinstance(event, TrialEnded)] == list(range(5))
    trials = optuna.load_study(study_name="away", storage=open_storage(running.url, tmp_path)).get_trials()
    assert [(t.state, t.params, t.value) for t in trials] == [(t.state, t.params, t.value) for t in undisturbed.trials]


def test_other_commands_report_in_one_line_that_it_is_away(running: Server, tmp_path: Path) -> None:
    storage = open_storage(running.url, tmp_path)
    running.stop()
    try:
        with pytest.raises(
            StorageAwayError, match=r"^storage postgresql\+psycopg://onebert@.* does not answer: .*refused"
        ) as caught:
            storage.get_all_studies()
    finally:
        running.start()
    assert "\n" not in str(caught.value)
    assert storage.get_all_studies() is not None


@pytest.mark.parametrize(("query", "seconds"), [("", "10"), ("?connect_timeout=3", "3")])
def test_a_server_that_vanishes_is_noticed(server: str, tmp_path: Path, query: str, seconds: str) -> None:
    storage: Any = open_storage(server + query, tmp_path)
    with storage.engine.connect() as connection:
        options = connection.connection.driver_connection.info.get_parameters()
    assert (options["connect_timeout"], options["tcp_user_timeout"]) == (seconds, "30000")


def test_of_two_drivers_at_the_same_moment_one_wins(server: str, tmp_path: Path) -> None:
    """Both have read that nobody holds the lease before either takes it."""
    first, second = (open_storage(server, tmp_path) for _ in range(2))
    study_id = optuna.create_study(storage=first, study_name="race")._study_id

    def win(key: str, storage: DatabaseStorage, who: int) -> bool:
        return storage.compare_and_set(study_id, key, None, who)

    with ThreadPoolExecutor(2) as pool:
        for key in map(str, range(20)):
            wins = [pool.submit(win, key, storage, who) for who, storage in enumerate((first, second))]
            assert sorted(one.result() for one in wins) == [False, True]


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql://me:secret@127.0.0.1:{_free_port()}/studies"
    with pytest.raises(UserError, match=r"cannot be opened: .*refused") as caught:
        open_storage(url, tmp_path)
    assert "secret" not in str(caught.value)
    assert "***" in describe_storage(url, tmp_path)

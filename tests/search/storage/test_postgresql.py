"""A study in a real PostgreSQL server, interrupted and resumed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from tests.search.postgresql import Server, a_server, free_port

pytestmark = pytest.mark.slow  # starts a server


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    yield from a_server()


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


def test_many_watch_a_study_while_it_runs(server: str, tmp_path: Path) -> None:
    """Each sees ended trials as a whole, and ever more of the study."""
    spec = changed(trials=12, name="watched", sampler=SamplerChoice("random"))
    study, undisturbed, over = StubStudy(tmp_path, spec), StubStudy(tmp_path / "sqlite", spec), threading.Event()
    undisturbed.run()
    storage = open_storage(server, tmp_path)
    begun = threading.Barrier(9)

    def watch() -> list[int]:
        reports, mine = [0], open_storage(server, tmp_path)
        begun.wait()
        while not over.wait(0.01):
            if "watched" not in optuna.get_all_study_names(mine):
                continue
            trials = optuna.load_study(study_name="watched", storage=mine).get_trials()
            for trial in trials:
                assert trial.state != TrialState.COMPLETE or trial.value is not None
                assert not trial.state.is_finished() or len(trial.intermediate_values) == len(spec.base.rungs)
            reports.append(sum(len(trial.intermediate_values) for trial in trials))
        return reports

    with ThreadPoolExecutor(8) as pool:
        watchers = [pool.submit(watch) for _ in range(8)]
        begun.wait()
        try:
            assert Driver(spec, storage, study.executor(), study.folder).run().finished
        finally:
            over.set()
        seen = [watcher.result() for watcher in watchers]
    assert all(reports == sorted(reports) and len(set(reports)) > 5 for reports in seen)
    trials = optuna.load_study(study_name="watched", storage=open_storage(server, tmp_path)).get_trials()
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
    url = f"postgresql://me:secret@127.0.0.1:{free_port()}/studies"
    with pytest.raises(UserError, match=r"cannot be opened: .*refused") as caught:
        open_storage(url, tmp_path)
    assert "secret" not in str(caught.value)
    assert "***" in describe_storage(url, tmp_path)

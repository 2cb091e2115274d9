"""Storages by URL, and what is said when they cannot be opened."""

import multiprocessing
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from inline_executor import InlineExecutor
from memory_storage import MemoryStorage
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from stub_study import changed

from data.errors import UserError
from search.driver.driver import Driver
from search.recorded.study import create_or_load
from search.storage.errors import StorageAwayError, StorageFullError
from search.storage.open import describe_storage, open_storage
from search.storage.storage_lease import LeaseLostError


def test_sqlite_in_the_runs_folder_by_default(tmp_path: Path) -> None:
    runs = tmp_path / "new" / "runs"
    optuna.create_study(study_name="s", storage=open_storage(None, runs))
    assert (runs / "studies.db").exists()
    assert optuna.get_all_study_names(open_storage(f"sqlite:///{runs}/studies.db", tmp_path)) == ["s"]
    assert describe_storage(None, runs) == f"sqlite:///{runs}/studies.db"


def test_a_busy_database_is_waited_for(tmp_path: Path) -> None:
    storage = open_storage(None, tmp_path)
    assert storage.engine.url.database == str(tmp_path / "studies.db")
    with storage.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000  # milliseconds


@pytest.mark.parametrize("exists", [True, False])
def test_a_journal_file_is_refused_with_a_command_that_copies_a_study(tmp_path: Path, exists: bool) -> None:
    """The copy resumes: a trial was running when it was made, and another one waits."""
    path, journal = tmp_path / "studies.log", tmp_path / "elsewhere.log"
    journal = JournalStorage(JournalFileBackend(str(path if exists else journal)))
    if exists:
        spec = changed(trials=4)
        study = create_or_load(spec, journal)
        study.tell(study.ask(), 0.5)
        study.ask()
    with pytest.raises(
        UserError, match=r"^storage .*studies\.log: journal files are no longer supported; use a database"
    ) as e:
        open_storage(str(path), tmp_path)
    with pytest.raises(UserError, match="no longer supported"):
        describe_storage(str(path), tmp_path)
    assert "\n" not in str(e.value)
    (url,) = re.findall(r"for example --storage (\S+)\. ", str(e.value))
    assert url == f"sqlite:///{tmp_path}/studies.db"
    if exists:
        (command,) = re.findall(r'python -c "(.*)"$', str(e.value))
        subprocess.run([sys.executable, "-c", command.replace("STUDY", "stub")], check=True, capture_output=True)
        storage = open_storage(url, tmp_path)
        assert Driver(spec, storage, InlineExecutor(), tmp_path / "stub").run().finished
        assert [trial.state.name for trial in storage.get_all_trials(1)] == ["COMPLETE"] * 4


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_missing_driver_names_the_extra_and_hides_the_password(
    tmp_path: Path, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(UserError, match=r"needs a database driver .*: pip install 'psycopg\[binary\]'") as caught:
        open_storage(f"{scheme}://me:secret@localhost/studies", tmp_path)
    assert "secret" not in str(caught.value)
    assert "me:***@localhost" in str(caught.value)
    assert "secret" not in describe_storage(f"{scheme}://me:secret@localhost/studies", tmp_path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "sqlite:////no/such/folder/s.db",
            "sqlite:////no/such/folder/s.db cannot be opened: unable to open database file",
        ),
        ("sqlite:////no/such/folder/s.log", "cannot be opened: unable to open database file"),
        ("/no/such/folder/s.log", "storage /no/such/folder/s.log: journal files are no longer supported"),
        ("studies", "storage 'studies' is not a URL; examples: sqlite:///file.db, postgresql://user@host/name"),
        ("oddbase://host/name", "needs a database driver that is not installed"),
    ],
)
def test_unusable_storages(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        open_storage(url, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong: advice to put a copy in place of a database that is in order, for want of file handles."""

    def refused(*_: Any) -> None:
        cause = sqlite3.OperationalError("unable to open database file")
        raise StorageInternalError from sqlalchemy.exc.OperationalError("SELECT 1", {}, cause)

    monkeypatch.setattr("search.storage.open._create", refused)
    with pytest.raises(UserError, match=r"studies\.db cannot be opened: unable to open database file$"):
        open_storage(None, tmp_path)


def test_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "studies.db").write_text("something else, long enough to be read as a header of a file" * 10)
    with pytest.raises(UserError, match=r"studies\.db is damaged: file is not a database; put a copy"):
        open_storage(None, tmp_path)


def test_tables_of_another_optuna(tmp_path: Path) -> None:
    open_storage(None, tmp_path)
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute("UPDATE version_info SET schema_version = 99")
        connection.execute("UPDATE alembic_version SET version_num = 'v9.9.9.a'")
    with pytest.raises(UserError, match=r"^storage sqlite:.* no longer compatible with the table schema"):
        open_storage(None, tmp_path)


SPEC = changed(trials=3, pruner="halving")


def outcome(storage: BaseStorage) -> list[Any]:
    trials = optuna.load_study(study_name="stub", storage=storage).get_trials()
    return [(t.state.name, t.params, t.value, t.intermediate_values, t.user_attrs) for t in trials]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    storage = MemoryStorage()
    Driver(SPEC, storage, InlineExecutor({}), tmp_path_factory.mktemp("undisturbed")).run()
    return outcome(storage)


class Interfering(InlineExecutor):
    """Does something to the storage in the middle of the third trial's training."""

    def __init__(self, interfere: Callable[[], None]) -> None:
        super().__init__({})
        self.interfere, self.left = interfere, 8

    def events(self, timeout: float | None) -> Any:
        self.left -= 1
        if self.left == 0:
            self.interfere()
        return super().events(timeout)


@pytest.mark.parametrize("bring_back", [shutil.move, shutil.copy])
def test_a_file_that_is_moved_away_and_brought_back(
    tmp_path: Path, bring_back: Callable[..., Any], undisturbed: list[Any]
) -> None:
    file, elsewhere = tmp_path / "studies.db", tmp_path / "away"
    seen: list[bool] = []

    def back() -> None:
        seen.append(file.exists())  # an empty one in its place would be overwritten, and what was written to it lost
        bring_back(elsewhere, file)

    def move_away() -> None:
        file.rename(elsewhere)
        threading.Timer(0.7, back).start()

    with pytest.warns(UserWarning, match="storage of the study") as caught:
        assert Driver(SPEC, open_storage(None, tmp_path), Interfering(move_away), tmp_path / "s").run().finished
    lines = [str(warning.message) for warning in caught]
    assert len(lines) == 2
    assert "does not answer (" in lines[0]
    assert "answers again after" in lines[1]
    assert seen == [False]
    assert outcome(open_storage(None, tmp_path)) == undisturbed


def test_a_file_that_is_gone_is_reported_in_one_line(tmp_path: Path) -> None:
    storage = open_storage(None, tmp_path)
    optuna.create_study(storage=storage)
    (tmp_path / "studies.db").unlink()
    with pytest.raises(StorageAwayError, match=r"^storage .*studies\.db does not answer: ") as caught:
        optuna.create_study(storage=storage)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "studies.db").exists()


def test_optuna_repeats_no_creation_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would do so without looking whether the first try arrived."""
    storage = open_storage(None, tmp_path)
    study = optuna.create_study(storage=storage)
    (tmp_path / "studies.db").unlink()
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits for the next try"))
    with pytest.raises(StorageAwayError):
        storage.create_new_trial(study._study_id)


def test_a_full_disk_under_sqlite(tmp_path: Path) -> None:
    """SQLite's own limit of pages raises what a full disk does."""
    storage: Any = open_storage(None, tmp_path)
    limit = [0]

    def limit_pages(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0] or 2**31 - 2}")

    sqlalchemy.event.listen(storage.engine, "connect", limit_pages)

    def fill_up() -> None:
        limit[0] = 1  # never less than there are
        storage.engine.dispose()

    executor = Interfering(fill_up)
    with pytest.raises(StorageFullError, match=r"^storage sqlite:.*s\.db: its disk is full; nothing is lost: free"):
        Driver(changed(trials=6), storage, executor, tmp_path / "s").run()
    limit[0] = 0
    storage.engine.dispose()
    assert Driver(changed(trials=6), storage, executor, tmp_path / "s").run().finished
    assert [trial[0] for trial in outcome(storage)] == ["COMPLETE"] * 6


def _open_when_all_are_there(barrier: Any, results: Any, runs: Path) -> None:
    barrier.wait()
    try:
        optuna.create_study(study_name="s", storage=open_storage(None, runs), load_if_exists=True)
        results.put("")
    except BaseException as error:
        results.put(f"{type(error).__name__}: {error}")


def test_processes_that_create_a_database_together(tmp_path: Path) -> None:
    """One creates it, and the others wait; no lock stays behind."""
    fork, processes = multiprocessing.get_context("fork"), 4
    for attempt in range(4):
        barrier, results, runs = fork.Barrier(processes), fork.Queue(), tmp_path / str(attempt)
        runs.mkdir()
        started = [
            fork.Process(target=_open_when_all_are_there, args=(barrier, results, runs)) for _ in range(processes)
        ]
        for process in started:
            process.start()
        assert [results.get(timeout=60) for _ in started] == [""] * processes
        for process in started:
            process.join()
        assert [path.name for path in runs.iterdir()] == ["studies.db"]


def test_a_database_whose_creation_was_killed(tmp_path: Path) -> None:
    """At any statement: SQLite commits each one."""
    open_storage(None, tmp_path)
    with closing(sqlite3.connect(tmp_path / "studies.db")) as connection:
        whole = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    assert "ix_studies_study_name" in {name for _, name, _ in whole}
    for statements in range(len(whole)):
        runs = tmp_path / str(statements)
        runs.mkdir()
        with closing(sqlite3.connect(runs / "studies.db")) as connection:
            for _, _, sql in whole[:statements]:
                connection.execute(sql)
        storage = open_storage(None, runs)
        with closing(sqlite3.connect(runs / "studies.db")) as connection:
            found = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
        assert sorted(found) == sorted(whole)
        optuna.create_study(study_name="s", storage=storage)
        with pytest.raises(optuna.exceptions.DuplicatedStudyError):
            optuna.create_study(study_name="s", storage=storage)


@pytest.mark.parametrize("loss", ["deleted", "older copy", "copy of another study"])
def test_a_study_that_is_lost_while_it_runs(tmp_path: Path, loss: str) -> None:
    """Between two heartbeats: the driver stops before it writes anything that does not belong there."""
    file, copy = tmp_path / "studies.db", tmp_path / "copy.db"
    optuna.create_study(study_name="other", storage=open_storage(None, tmp_path))
    shutil.copy(file, copy)

    class Losing(InlineExecutor):
        left = 8

        def events(self, timeout: float | None) -> Any:
            self.left -= 1
            if self.left == 5 and loss == "older copy":
                shutil.copy(file, copy)
            if self.left == 0 and loss == "deleted":
                optuna.delete_study(study_name="stub", storage=open_storage(None, tmp_path))
            elif self.left == 0:
                copy.replace(file)
            return super().events(timeout)

    driver = Driver(SPEC, open_storage(None, tmp_path), Losing({}), tmp_path / "stub")
    with pytest.raises(LeaseLostError, match=r"^study 'stub' is gone from its storage, or an older copy of"):
        driver.run()

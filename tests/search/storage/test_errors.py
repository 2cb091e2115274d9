"""Which error of a database becomes which of ours, and what it says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.engine import Engine

from data.errors import UserError
from search.storage.errors import (
    StorageAwayError,
    StorageDamagedError,
    StorageError,
    StorageFullError,
    StorageReadOnlyError,
    damage,
    translate_errors,
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (sqlite3.DatabaseError("file is\n encrypted"), "file is encrypted"),  # of the base class itself
        (sqlite3.OperationalError("no such table: trials"), "no such table: trials"),
        (sqlite3.OperationalError("Could not decode to UTF-8"), "Could not decode to UTF-8"),
        (sqlite3.OperationalError("database is locked"), ""),
        (sqlite3.IntegrityError("UNIQUE constraint failed"), ""),
    ],
)
def test_what_an_error_says_about_damage(error: Exception, expected: str) -> None:
    assert damage(error) == expected


def test_every_error_is_one_line_that_names_the_storage() -> None:
    """A driver that meets one of them fails no trial, since all are the same kind of error."""
    away = StorageAwayError("runs/studies.db", "disk I/O error")
    assert away.reason == "disk I/O error"
    full, protected = StorageFullError("runs/studies.db"), StorageReadOnlyError("runs/studies.db")
    damaged = StorageDamagedError("runs/studies.db", "malformed")
    for error in (away, full, protected, damaged):
        assert isinstance(error, StorageError)
        assert isinstance(error, UserError)
        assert str(error).startswith("storage runs/studies.db")
        assert "\n" not in str(error)
    assert "run the same command again to resume" in str(full)
    assert "is read-only; check the permissions" in str(protected)
    assert "is damaged: malformed; put a copy of it in its place" in str(damaged)


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with a table."""
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute("CREATE TABLE trials (number INTEGER PRIMARY KEY)")
    connection.close()
    return tmp_path / "studies.db"


@pytest.fixture
def engine(file: Path) -> Engine:
    engine = sqlalchemy.create_engine(f"sqlite:///{file}", poolclass=sqlalchemy.NullPool)
    translate_errors(engine, "ours")
    return engine


def execute(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(statement))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (sqlite3.OperationalError("database or disk is full"), StorageFullError),
        (sqlite3.OperationalError("disk I/O error"), StorageAwayError),
        (sqlite3.OperationalError("attempt to write a readonly database"), StorageAwayError),  # the file may be written
        (sqlite3.DatabaseError("database disk image is malformed"), StorageDamagedError),
    ],
)
def test_an_error_of_the_database_is_translated(engine: Engine, error: Exception, expected: type[StorageError]) -> None:
    sqlalchemy.event.listen(engine, "do_execute", raising(error))
    with pytest.raises(expected, match=r"^storage ours"):
        execute(engine, "SELECT 1")


def test_a_protected_file_is_read_only(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.storage.errors.os.access", lambda *_: False)
    error = sqlite3.OperationalError("attempt to write a readonly database")
    sqlalchemy.event.listen(engine, "do_execute", raising(error))
    with pytest.raises(StorageReadOnlyError):
        execute(engine, "SELECT 1")


def test_an_answer_of_the_database_stays_as_it_is(engine: Engine) -> None:
    execute(engine, "INSERT INTO trials VALUES (1)")
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        execute(engine, "INSERT INTO trials VALUES (1)")


def test_a_missing_table_is_damage(engine: Engine) -> None:
    with pytest.raises(StorageDamagedError, match="no such table: runs"):
        execute(engine, "SELECT * FROM runs")


def test_a_file_that_is_gone_is_not_created(engine: Engine, file: Path) -> None:
    execute(engine, "SELECT * FROM trials")
    file.rename(file.with_suffix(".away"))
    with pytest.raises(StorageAwayError, match="the file is gone"):
        execute(engine, "SELECT * FROM trials")
    assert not file.exists()
    file.with_suffix(".away").rename(file)
    execute(engine, "SELECT * FROM trials")

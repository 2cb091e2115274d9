"""Errors of an open storage, with messages for people, and where they arise: at a database's connection.

Optuna repeats some calls without checking whether the first try arrived, and wraps other errors in advice about invalid
data. It passes on unchanged the errors that SQLAlchemy is made to raise here instead.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError

from data.errors import UserError
from search.display.fault_text import one_line

__all__ = [
    "StorageAwayError",
    "StorageDamagedError",
    "StorageError",
    "StorageFullError",
    "StorageReadOnlyError",
    "damage",
    "translate_errors",
]

FULL = ("disk is full", "No space left on device")  # SQLite; PostgreSQL and MySQL
READ_ONLY = ("readonly database", "unable to open database file")  # SQLite, also if the file is gone
DAMAGE = (
    "malformed",
    "not a database",
    "no such table",
    "no such column",
    "Could not decode",
    "unsupported file format",
)


class StorageError(UserError):
    """The storage of studies cannot be used now; the trial in progress is not at fault."""


class StorageAwayError(StorageError):
    """The storage does not answer, although the call may have arrived; ``reason`` is the message of its driver."""

    def __init__(self, storage: str, reason: str) -> None:
        super().__init__(f"storage {storage} does not answer: {reason}")
        self.reason = reason


class StorageFullError(StorageError):
    """The storage's disk is full; the call did not arrive."""

    def __init__(self, storage: str) -> None:
        super().__init__(
            f"storage {storage}: its disk is full; nothing is lost: free some space, then run the same command "
            "again to resume"
        )


class StorageReadOnlyError(StorageError):
    """The storage can be read, but not written to."""

    def __init__(self, storage: str) -> None:
        super().__init__(f"storage {storage} is read-only; check the permissions of the file and of its folder")


class StorageDamagedError(StorageError):
    """What the storage contains is not what was written to it."""

    def __init__(self, storage: str, reason: str) -> None:
        super().__init__(
            f"storage {storage} is damaged: {reason}; put a copy of it in its place, or use another one (--storage)"
        )


def damage(error: BaseException) -> str:
    """Return what an error of SQLite says about a damaged file; empty if the file is in order."""
    text = one_line(error)
    if type(error) is sqlite3.DatabaseError or any(words in text for words in DAMAGE):
        return text
    return ""


def translate_errors(engine: Engine, name: str) -> None:
    """Make the engine raise one of the errors above if the database does not answer, or answers nonsense."""
    is_file = engine.dialect.name == "sqlite"

    def translate(context: ExceptionContext) -> None:
        if is_file and (what := damage(context.original_exception)):
            raise StorageDamagedError(name, what)
        answered = not isinstance(context.sqlalchemy_exception, (OperationalError, InterfaceError))
        if answered or context.is_pre_ping:  # a failed ping only makes the pool reconnect
            return
        # The next try reconnects, because an SQLite file may have been replaced; an open cursor would keep its lock.
        context.is_disconnect = True
        if context.execution_context is not None:
            with suppress(Exception):
                context.execution_context.cursor.close()
        reason = one_line(context.original_exception)
        if any(words in reason for words in FULL):
            raise StorageFullError(name)
        if any(words in reason for words in READ_ONLY) and _is_protected(engine.url.database):
            raise StorageReadOnlyError(name)
        raise StorageAwayError(name, reason)

    event.listen(engine, "handle_error", translate)
    if is_file and engine.url.database and Path(engine.url.database).is_file():
        _never_create(engine, Path(engine.url.database))


def _is_protected(file: str | None) -> bool:
    """Return whether an SQLite file is there and cannot be written to; SQLite writes a journal next to it first."""
    if file is None or not Path(file).is_file():
        return False
    return not (os.access(file, os.W_OK) and os.access(Path(file).absolute().parent, os.W_OK))


def _never_create(engine: Engine, file: Path) -> None:
    """Refuse to connect if the file is gone: SQLite would create an empty database in its place."""

    def check(*_: Any) -> None:
        if not file.exists():
            raise sqlite3.OperationalError("the file is gone")

    event.listen(engine, "do_connect", check)

"""Errors of an open storage, with messages for people, and where they arise: at a database's connection.

Optuna repeats some calls without checking whether the first try arrived, and wraps other errors in advice about invalid
data. It passes on unchanged the errors that SQLAlchemy is made to raise here instead.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError

from data.errors import UserError

__all__ = ["StorageAwayError", "StorageError", "StorageFullError", "translate_errors"]

FULL = ("disk is full", "No space left on device")  # SQLite; PostgreSQL and MySQL


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


def translate_errors(engine: Engine, name: str) -> None:
    """Make the engine raise :class:`StorageAwayError` or :class:`StorageFullError` if the database does not answer."""

    def translate(context: ExceptionContext) -> None:
        answered = not isinstance(context.sqlalchemy_exception, (OperationalError, InterfaceError))
        if answered or context.is_pre_ping:  # a failed ping only makes the pool reconnect
            return
        # The next try reconnects, because an SQLite file may have been replaced; an open cursor would keep its lock.
        context.is_disconnect = True
        if context.execution_context is not None:
            with suppress(Exception):
                context.execution_context.cursor.close()
        reason = " ".join(str(context.original_exception).split())
        if any(words in reason for words in FULL):
            raise StorageFullError(name)
        raise StorageAwayError(name, reason)

    event.listen(engine, "handle_error", translate)
    if engine.dialect.name == "sqlite" and engine.url.database and Path(engine.url.database).is_file():
        _never_create(engine, Path(engine.url.database))


def _never_create(engine: Engine, file: Path) -> None:
    """Refuse to connect if the file is gone: SQLite would create an empty database in its place."""

    def check(*_: Any) -> None:
        if not file.exists():
            raise sqlite3.OperationalError("the file is gone")

    event.listen(engine, "do_connect", check)

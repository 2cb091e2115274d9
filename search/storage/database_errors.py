"""Errors of a database connection, translated where they arise.

Optuna would repeat some calls by itself without looking whether the first try arrived, and wrap other errors in advice
about invalid data; what SQLAlchemy is made to raise instead goes through Optuna untouched.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError

from search.storage.errors import StorageAwayError, StorageFullError

__all__ = ["translate_errors"]

FULL = ("disk is full", "No space left on device")  # SQLite; PostgreSQL and MySQL


def translate_errors(engine: Engine, name: str) -> None:
    """Have the engine raise :class:`StorageAwayError` or :class:`StorageFullError` where the database does not answer.

    Args:
        engine: of an open database.
        name: of the storage, for people to read.
    """

    def translate(context: ExceptionContext) -> None:
        answered = not isinstance(context.sqlalchemy_exception, (OperationalError, InterfaceError))
        if answered or context.is_pre_ping:  # a failed ping only makes the pool connect anew
            return
        # The next try connects anew, for an SQLite file may have been replaced; an open cursor would keep its lock.
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
    """SQLite would make an empty database in the place of one that has been moved away."""

    def check(*_: Any) -> None:
        if not file.exists():
            raise sqlite3.OperationalError("the file is gone")

    event.listen(engine, "do_connect", check)

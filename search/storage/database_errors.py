"""Translate the errors of a database connection where they arise.

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

from search.storage.errors import StorageAwayError, StorageFullError

__all__ = ["translate_errors"]

FULL = ("disk is full", "No space left on device")  # SQLite; PostgreSQL and MySQL


def translate_errors(engine: Engine, name: str) -> None:
    """Make the engine raise :class:`StorageAwayError` or :class:`StorageFullError` if the database does not answer.

    Args:
        engine: of an open database.
        name: of the storage, for messages.
    """

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

"""Recognise what a damaged database makes SQLite, SQLAlchemy and Optuna raise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from sqlalchemy.exc import DBAPIError

from data.errors import UserError
from search.display.fault_text import one_line
from search.storage.errors import StorageDamagedError, StorageError

__all__ = ["NOT_FOUND", "is_missing_record", "reading_record", "reporting_damage"]

C = TypeVar("C", bound=type[Any])

NOT_FOUND = "Record does not exist."
"""Optuna's message for a study or trial that the database does not have."""

# What JSON, dates, states and numbers that do not parse raise. Only when reading: Optuna and the JSON module raise the
# same for an argument that is wrong.
_WHEN_READING = (ValueError, TypeError, LookupError, AttributeError, AssertionError, OverflowError)


def is_missing_record(error: BaseException) -> bool:
    """Return whether Optuna raised the error for a study or trial that the database does not have."""
    return isinstance(error, KeyError) and NOT_FOUND in error.args


@contextmanager
def reading_record(name: str) -> Iterator[None]:
    """Report a record of a study or trial that cannot be read.

    Args:
        name: of what is read, for the message.

    Raises:
        StorageError: it makes no sense: the database is damaged, or another version of this program wrote it.
    """
    try:
        yield
    except _WHEN_READING as error:
        if isinstance(error, UserError):
            raise
        reason = one_line(error)[:300]
        raise StorageError(
            f"{name} cannot be read: the storage of studies is damaged, or another version wrote it ({reason})"
        ) from error


def reporting_damage(storage: C) -> C:
    """Make the methods of a storage class raise :class:`StorageDamagedError` if what they read makes no sense.

    Args:
        storage: a class of storages with an ``engine``.
    """
    for name in vars(BaseStorage):
        # A study without a finished trial has no best trial, for which Optuna raises a ValueError.
        if name.startswith(("create_", "delete_", "get_", "set_")) and name != "get_best_trial":
            setattr(storage, name, _checked(getattr(storage, name), is_reading=name.startswith("get_")))
    return storage


def _checked(method: Callable[..., Any], *, is_reading: bool) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        try:
            return method(self, *args, **options)
        except Exception as error:
            if not _is_damage(error, is_reading=is_reading):
                raise
            cause = error.__cause__ if isinstance(error, StorageInternalError) else error
            reason = one_line(cause or error)
            raise StorageDamagedError(self.engine.url.render_as_string(hide_password=True), reason) from error

    return call


def _is_damage(error: Exception, *, is_reading: bool) -> bool:
    if isinstance(error, UserError) or is_missing_record(error):
        return False
    if isinstance(error, StorageInternalError):
        return error.__cause__ is not None and not isinstance(error.__cause__, DBAPIError)
    if is_reading:
        return isinstance(error, _WHEN_READING)
    # SQLAlchemy raises a plain LookupError for a state that there is not.
    return isinstance(error, json.JSONDecodeError | UnicodeDecodeError) or type(error) is LookupError

"""Database files that are quick to create and to write."""

from __future__ import annotations

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

import sqlalchemy

from search.storage.open import open_storage
from search.storage.rdb import DatabaseStorage


@cache
def empty_database() -> bytes:
    """Return the file of a database with Optuna's tables and no study."""
    with tempfile.TemporaryDirectory() as folder:
        open_storage(None, Path(folder)).engine.dispose()
        return (Path(folder) / "studies.db").read_bytes()


def open_quickly(folder: Path, name: str = "studies.db") -> DatabaseStorage:
    """Open a file like ``open_storage``, or create it, without waiting for the disk at each commit."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / name).exists():
        (folder / name).write_bytes(empty_database())
    storage = open_storage(f"sqlite:///{folder / name}", folder)
    sqlalchemy.event.listen(storage.engine, "connect", lambda connection, _: _asynchronous(connection))
    storage.engine.dispose()
    return storage


def _asynchronous(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = OFF")

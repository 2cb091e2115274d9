"""Open the database that keeps studies: an SQLite file by default, or any database by its URL."""

from __future__ import annotations

import logging
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy.exc
from filelock import FileLock
from optuna.exceptions import StorageInternalError
from sqlalchemy.engine import URL, make_url

from data.errors import UserError
from search.display.fault_text import one_line
from search.storage.errors import StorageDamagedError, damage, translate_errors
from search.storage.rdb import DatabaseStorage
from search.storage.runs_url import check_storage
from search.storage.study_names import DATABASE, check_database

__all__ = ["describe_storage", "open_recorded", "open_storage", "storage_address"]

# A server that disappears silently, for example because a cable was pulled, is noticed within half a minute.
POSTGRESQL = {"connect_timeout": 10, "keepalives_idle": 10, "tcp_user_timeout": 30_000}  # s, s, ms
BUSY_SECONDS = 30  # how long to wait while a dashboard or another study's driver writes the same SQLite file
CREATIONS = 10  # tries to create tables that another process creates at the same time
CREATED_TWICE = ("already exists", "duplicate key", "Duplicate entry", "UNIQUE constraint")
EXTRAS = {"postgresql": "pip install 'psycopg[binary]'", "mysql": "pip install PyMySQL and use mysql+pymysql://"}


def storage_address(url: str | None, runs_dir: Path) -> str:
    """Return the storage's URL: ``url``, or by default that of ``studies.db`` in ``runs_dir``."""
    check_storage(url, runs_dir)
    return url or f"sqlite:///{(runs_dir / DATABASE).as_posix()}"


def describe_storage(url: str | None, runs_dir: Path) -> str:
    """Return the storage's URL for messages, with its password masked.

    Raises:
        UserError: it is no URL.
    """
    return _parse(storage_address(url, runs_dir)).render_as_string(hide_password=True)


def open_storage(url: str | None, runs_dir: Path) -> DatabaseStorage:
    """Open the storage, and create its tables if it is new.

    Args:
        url: an SQLAlchemy URL (``postgresql://user:password@host/name``), or None.
        runs_dir: contains ``studies.db``, which is used when ``url`` is None.

    Raises:
        UserError: the storage cannot be reached, needs a driver that is not installed, or is not a database.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # it prints tracebacks of errors that it raises
    if url is None:
        runs_dir.mkdir(parents=True, exist_ok=True)
    return _open_database(_parse(storage_address(url, runs_dir)))


def open_recorded(url: str | None, runs_dir: Path) -> DatabaseStorage:
    """Open a storage to read what it has: like :func:`open_storage`, but never create a file.

    Raises:
        UserError: there is no such file, or as :func:`open_storage`.
    """
    check_database(url, runs_dir)
    return open_storage(url, runs_dir)


def _parse(address: str) -> URL:
    if address.endswith(".log") and "://" not in address:
        raise _journal_error(Path(address))
    try:
        url = make_url(address)
    except sqlalchemy.exc.ArgumentError:
        raise UserError(
            f"storage '{address}' is not a URL; examples: sqlite:///file.db, postgresql://user@host/name"
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")  # SQLAlchemy's own choice would be the older psycopg2
    return url


def _journal_error(path: Path) -> UserError:
    """Say how to copy a study from a journal file, where earlier versions could keep studies."""
    database = f"sqlite:///{path.with_suffix('.db').as_posix()}"
    command = (
        "from optuna import copy_study; from optuna.storages.journal import JournalFileBackend as File; "
        "from optuna.storages import JournalStorage; copy_study(from_study_name='STUDY', "
        f"from_storage=JournalStorage(File('{path.as_posix()}')), to_storage='{database}')"
    )
    return UserError(
        f"storage {path}: journal files are no longer supported; use a database, for example --storage {database}. "
        f'To copy a study of a journal file into it: python -c "{command}"'
    )


def _open_database(url: URL) -> DatabaseStorage:
    shown = url.render_as_string(hide_password=True)
    try:
        with _alone_if_new(url):
            storage = _create(url)
        translate_errors(storage.engine, shown)
        return storage
    except (ImportError, sqlalchemy.exc.NoSuchModuleError):
        advice = EXTRAS.get(url.get_backend_name(), "install it with pip")
        raise UserError(f"storage {shown} needs a database driver that is not installed: {advice}") from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        if url.get_backend_name() == "sqlite" and (what := damage(cause)):
            raise StorageDamagedError(shown, what) from None
        raise UserError(f"storage {shown} cannot be opened: {one_line(cause)}") from None
    except StorageInternalError as error:
        cause = getattr(error.__cause__, "orig", None) or error.__cause__ or error
        if isinstance(cause, sqlite3.OperationalError) and not damage(cause):  # such as too many open files
            raise UserError(f"storage {shown} cannot be opened: {one_line(cause)}") from None
        raise StorageDamagedError(shown, one_line(cause)) from None
    except RuntimeError as error:  # tables of another Optuna version
        raise UserError(f"storage {shown}: {one_line(error)}") from None
    except Exception as error:  # what Optuna reads makes no sense to it
        raise StorageDamagedError(shown, one_line(error)) from None


@contextmanager
def _alone_if_new(url: URL) -> Iterator[None]:
    """Let other processes wait while this one creates a database in an SQLite file."""
    file = Path(url.database or "")
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    if not (is_file and file.parent.is_dir()) or _has_tables(file):
        yield
        return
    lock = FileLock(file.with_name(f"{file.name}.lock"), timeout=BUSY_SECONDS)
    try:
        lock.acquire()
    except OSError:  # also a Timeout; opening the database says what is wrong
        yield
        return
    try:
        yield
        # Whoever still waits for it finds the tables.
        Path(lock.lock_file).unlink(missing_ok=True)
    finally:
        lock.release()


def _has_tables(file: Path) -> bool:
    """Return whether the file has what Optuna creates last, the version of its tables."""
    if not file.is_file() or not file.stat().st_size:
        return False
    try:
        with closing(
            sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        ) as connection:
            return connection.execute("SELECT version_num FROM alembic_version").fetchone() is not None
    except sqlite3.Error as error:
        return bool(damage(error)) and "no such table" not in str(error)


def _create(url: URL) -> DatabaseStorage:
    """Connect, and create tables that are missing; again if another process is creating them too."""
    address = url.render_as_string(hide_password=False)
    for _ in range(CREATIONS):
        try:
            return DatabaseStorage(address, _options(url))
        except (sqlalchemy.exc.DatabaseError, StorageInternalError) as error:
            if not any(words in f"{error} {error.__cause__}" for words in CREATED_TWICE):
                raise
            time.sleep(random.uniform(0.05, 0.5))
    return DatabaseStorage(address, _options(url))


def _options(url: URL) -> dict[str, Any]:
    """Return options for the engine; those in the URL take precedence."""
    match url.get_backend_name():
        case "sqlite":
            return {"connect_args": {"timeout": BUSY_SECONDS}}
        case "postgresql":
            arguments = {key: value for key, value in POSTGRESQL.items() if key not in url.query}
            return {"pool_pre_ping": True, "connect_args": arguments}
        case _:
            return {"pool_pre_ping": True}

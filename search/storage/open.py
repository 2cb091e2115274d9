"""Where studies are recorded: SQLite by default, or any Optuna storage by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import sqlalchemy.exc
from optuna.storages import BaseStorage, JournalStorage
from sqlalchemy.engine import URL, make_url

from data.errors import UserError
from search.storage.batched_storage import BatchedStorage
from search.storage.database_errors import translate_errors
from search.storage.journal_file import JournalFile
from search.storage.study_names import DATABASE

__all__ = ["describe_storage", "open_storage", "storage_address"]

# A server that vanishes without a word, as its machine does when a cable is pulled, is noticed within half a minute.
POSTGRESQL = {"connect_timeout": 10, "keepalives_idle": 10, "tcp_user_timeout": 30_000}  # s, s, ms
BUSY_SECONDS = 30  # how long to wait while a dashboard or another study's driver writes the same SQLite file
EXTRAS = {"postgresql": "pip install 'psycopg[binary]'", "mysql": "pip install PyMySQL and use mysql+pymysql://"}


def storage_address(url: str | None, runs_dir: Path) -> str:
    """The storage's URL, or a journal file's path: ``url``, or by default ``studies.db`` in ``runs_dir``."""
    return url or f"sqlite:///{(runs_dir / DATABASE).as_posix()}"


def describe_storage(url: str | None, runs_dir: Path) -> str:
    """The address with its password masked, for people to read."""
    address = storage_address(url, runs_dir)
    return address if address.endswith(".log") else _parse(address).render_as_string(hide_password=True)


def open_storage(url: str | None, runs_dir: Path) -> BaseStorage:
    """Open the storage, creating its tables if it is new.

    Args:
        url: an SQLAlchemy URL (``postgresql://user:password@host/name``), the path of a journal file that ends in
            ``.log``, or None.
        runs_dir: holds ``studies.db`` when ``url`` is None.

    Raises:
        UserError: it cannot be reached, needs a driver that is not installed, or is no storage.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    address = storage_address(url, runs_dir)
    if url is None:
        runs_dir.mkdir(parents=True, exist_ok=True)
    if address.endswith(".log"):
        return _open_journal(Path(address))
    return _open_database(_parse(address))


def _open_journal(path: Path) -> BaseStorage:
    try:
        return JournalStorage(JournalFile(path))
    except OSError as error:
        raise UserError(f"journal file {path}: {error.strerror or error}") from None


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
    except sqlalchemy.exc.ArgumentError:
        raise UserError(
            f"storage '{address}' is neither a URL such as sqlite:///file.db or postgresql://user@host/name, "
            "nor a path that ends in .log"
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")  # SQLAlchemy's own choice would be the older psycopg2
    return url


def _open_database(url: URL) -> BaseStorage:
    shown = url.render_as_string(hide_password=True)
    try:
        storage = BatchedStorage(url.render_as_string(hide_password=False), _options(url))
        translate_errors(storage._backend.engine, shown)
        return storage
    except (ImportError, sqlalchemy.exc.NoSuchModuleError):
        advice = EXTRAS.get(url.get_backend_name(), "install it with pip")
        raise UserError(f"storage {shown} needs a database driver that is not installed: {advice}") from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise UserError(f"storage {shown} cannot be opened: {' '.join(str(cause).split())}") from None
    except RuntimeError as error:  # tables of another Optuna version
        raise UserError(f"storage {shown}: {' '.join(str(error).split())}") from None


def _options(url: URL) -> dict[str, Any]:
    """For the engine; what the URL itself sets goes before."""
    match url.get_backend_name():
        case "sqlite":
            return {"connect_args": {"timeout": BUSY_SECONDS}}
        case "postgresql":
            arguments = {key: value for key, value in POSTGRESQL.items() if key not in url.query}
            return {"pool_pre_ping": True, "connect_args": arguments}
        case _:
            return {"pool_pre_ping": True}

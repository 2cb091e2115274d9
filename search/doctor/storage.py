"""Check the storage: whether it opens, accepts a study, and how long a write takes."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import optuna
from optuna.storages import BaseStorage
from sqlalchemy.engine import make_url

from search.doctor.check import Check, ok, warning
from search.doctor.file_system import file_system, is_remote, nearest_folder
from search.storage.open import describe_storage, open_storage, storage_address

__all__ = ["check_storage", "storage_file"]

_WRITES = 5
_SLOW_MS = 50.0


def check_storage(url: str | None, runs_dir: Path) -> Iterator[Check]:
    """Write a test study to the storage, and remove it again.

    If the storage's file does not exist yet, another one next to it is tried and removed.

    Raises:
        UserError: the storage cannot be opened.
    """
    shown = describe_storage(url, runs_dir)
    file = storage_file(url, runs_dir)
    if file is None or file.exists():
        milliseconds = _write(open_storage(url, runs_dir))
    else:
        # The first study creates it.
        shown += ", which does not exist yet"
        with tempfile.TemporaryDirectory(prefix=".onebert-doctor-", dir=nearest_folder(file.parent)) as folder:
            milliseconds = _write(open_storage(None, Path(folder)))
    found = f"{shown}, a write takes {milliseconds:.1f} ms"
    kind = "" if file is None else file_system(file)
    if is_remote(kind):
        yield warning(
            "storage",
            f"{found}; it lies on {kind}, where SQLite's locks are not reliable",
            "give --storage a file on a local disk, or postgresql://user@host/name",
        )
    elif milliseconds > _SLOW_MS:
        yield warning(
            "storage",
            f"{found}: slow{f' ({kind})' if kind else ''}",
            "put it on another disk with --storage; every trial makes dozens of writes",
        )
    else:
        yield ok("storage", found)


def storage_file(url: str | None, runs_dir: Path) -> Path | None:
    """Return the storage's file; None for a server or a storage in memory."""
    parsed = make_url(storage_address(url, runs_dir))
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(str(parsed.database)) if is_file else None


def _write(storage: BaseStorage) -> float:
    """Return the median duration of a write in milliseconds."""
    name = f"onebert-doctor-{uuid.uuid4().hex[:12]}"
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    try:
        times = []
        for number in range(_WRITES):
            began = time.perf_counter()
            study.set_user_attr("write", number)
            times.append(time.perf_counter() - began)
    finally:
        optuna.delete_study(study_name=name, storage=storage)
    return 1000 * median(times)

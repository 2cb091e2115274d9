"""The storage: does it open, does it take a study, and how long is a write?"""

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
    """Write a study that nobody needs into it, and remove it again.

    If the storage's file does not exist yet, another one next to it is tried and removed.

    Raises:
        UserError: it cannot be opened.
    """
    shown = describe_storage(url, runs_dir)
    file = storage_file(url, runs_dir)
    if file is None or file.exists():
        milliseconds = _write(open_storage(url, runs_dir))
    else:
        # Not there: made by the first study.
        shown += ", which is not there yet"
        with tempfile.TemporaryDirectory(prefix=".onebert-doctor-", dir=nearest_folder(file.parent)) as folder:
            milliseconds = _write(open_storage(None, Path(folder)))
    found = f"{shown}, a write takes {milliseconds:.1f} ms"
    kind = "" if file is None else file_system(file)
    if is_remote(kind):
        yield warning(
            "storage",
            f"{found}; it lies on {kind}, where SQLite's locks cannot be trusted",
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
    """The storage's file; None where it is a server, or in memory."""
    parsed = make_url(storage_address(url, runs_dir))
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(str(parsed.database)) if is_file else None


def _write(storage: BaseStorage) -> float:
    """Milliseconds of a write, in the median."""
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

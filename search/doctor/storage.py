"""Check the storage: whether it opens, accepts a study, and how long a write takes."""

from __future__ import annotations

import re
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
from search.doctor.disk import nearest_folder
from search.storage.open import describe_storage, open_storage, storage_address

__all__ = ["check_storage", "file_system", "is_remote", "storage_file"]

_WRITES = 5
_SLOW_MS = 50.0
_REMOTE = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|fuse\.sshfs|9p|afs|ceph|fuse\.glusterfs|glusterfs|lustre|gpfs|beegfs")


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


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Return the type of a file system as Linux names it (``ext4``, ``nfs4``); empty if it is not known.

    Args:
        path: a file or folder, which need not exist.
        mounts: file that lists the mounted file systems (proc(5)).
    """
    try:
        lines = mounts.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found, longest = "", -1
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        mounted = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), place))  # \040 is a space
        if path.resolve().is_relative_to(mounted) and len(mounted.parts) >= longest:
            found, longest = kind, len(mounted.parts)
    return found


def is_remote(kind: str) -> bool:
    """Return whether a file system of this type keeps its files on another machine."""
    return _REMOTE.fullmatch(kind) is not None


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

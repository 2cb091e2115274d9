"""A lock on a study's folder, so that drivers with the same runs folder on one machine see each other at once.

:mod:`search.storage.storage_lease` sees drivers from anywhere, but needs the storage and may have to watch for a while.
"""

from __future__ import annotations

import json
import os
import socket
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from search.storage.lease_holder import taken_error

__all__ = ["FileLease"]


class FileLease:
    """A lock on a study's folder for the duration of a ``with`` block.

    The operating system releases the lock when its holder dies, so a dead driver never blocks others. ``driver.json``
    next to ``driver.lock`` says who holds it.

    Args:
        folder: of the study.
        study: its name, for messages.
    """

    def __init__(self, folder: Path, study: str) -> None:
        self._study = study
        self._holder = folder / "driver.json"
        self._lock = FileLock(folder / "driver.lock", blocking=False)

    def __enter__(self) -> Self:
        """Take the lease.

        Raises:
            UserError: another driver is alive; the message says on which host, with which process id, and since when.
        """
        self._holder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout:
            raise taken_error(self._study, self._describe_holder()) from None
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        self._holder.write_text(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": since}) + "\n")
        return self

    def _describe_holder(self) -> str:
        try:
            holder = json.loads(self._holder.read_text())
        except (OSError, ValueError):  # it took the lock a moment ago
            return "another process"
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.unlink(missing_ok=True)
        self._lock.release()

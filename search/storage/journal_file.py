"""Optuna's journal in a file, with errors for people and without half-written lines."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from search.storage.errors import StorageAwayError, StorageFullError

__all__ = ["JournalFile"]


class JournalFile(JournalFileBackend):
    """A journal file that survives a full disk, being moved away, and a writer killed in the middle of a line.

    Args:
        path: created if it is missing.

    Raises:
        OSError: it cannot be created or mended.
    """

    def __init__(self, path: Path) -> None:
        self._mutex = JournalFileSymlinkLock(str(path))
        super().__init__(str(path), self._mutex)
        self._path = path
        self._cut_half_line()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append, whole lines or nothing.

        Raises:
            StorageAwayError: the file is gone or cannot be written.
            StorageFullError: the disk is full.
        """
        with self._errors_for_people():
            if not self._path.exists():  # appending would begin a new journal, with trials that nobody created
                raise StorageAwayError(str(self._path), "the file is gone")
            try:
                super().append_logs(logs)
            except OSError:
                with suppress(OSError):
                    self._cut_half_line()
                raise

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Lines from this number on.

        Raises:
            StorageAwayError: the file is gone or cannot be read.
        """
        with self._errors_for_people():
            yield from super().read_logs(log_number_from)

    @contextmanager
    def _errors_for_people(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFullError(str(self._path)) from error
            raise StorageAwayError(str(self._path), error.strerror or str(error)) from error

    def _cut_half_line(self) -> None:
        """Another line after it would make the journal unreadable for ever."""
        if _whole_lines(self._path) == self._path.stat().st_size:
            return
        self._mutex.acquire()  # nobody is in the middle of a line now
        try:
            os.truncate(self._path, _whole_lines(self._path))
        finally:
            self._mutex.release()


def _whole_lines(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            file.seek(end - 1)
            if file.read(1) == b"\n":
                break
            end -= 1
    return end

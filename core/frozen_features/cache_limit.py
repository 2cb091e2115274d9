"""Bound the disk space of the kept features."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

__all__ = ["LIMIT_VARIABLE", "CacheLimit"]

LIMIT_VARIABLE: Final = "ONEBERT_FEATURES_GIB"

_GIB: Final = 2**30
_SHARE: Final = 4  # of the space that is free without the features, they take at most one in this many parts
_PART: Final = 64 * 2**20  # bytes: how much is granted before the disk is looked at again


class CacheLimit:
    """The bytes that may be added to a folder, which several processes fill at the same time.

    The limit is the number of GiB in the environment variable ``ONEBERT_FEATURES_GIB``; without it, a quarter of the
    space that would be free if the folder were empty. It is granted in parts of 64 MiB, so each process may exceed it
    by one part.

    Args:
        root: the folder; need not exist.
        limit: bytes; None for the default.
    """

    def __init__(self, root: Path, limit: int | None = None) -> None:
        self._root = root
        self._given = _from_environment() if limit is None else limit
        self._granted = 0
        self._is_full = False

    @property
    def room(self) -> int:
        """Return the bytes that may still be added, at least 0."""
        used = sum(file.stat().st_size for file in self._root.rglob("*") if file.is_file())
        limit = self._given
        if limit is None:
            folder = next(path for path in (self._root, *self._root.absolute().parents) if path.is_dir())
            limit = (shutil.disk_usage(folder).free + used) // _SHARE
        return max(0, limit - used)

    def take(self, size: int) -> bool:
        """Return whether this number of bytes may be added; once it is refused, everything is."""
        if self._is_full:
            return False
        if size > self._granted:
            try:
                self._granted = min(self.room, max(_PART, size))
            except OSError:  # another process deletes a file in this moment
                self._granted = 0
        self._is_full = size > self._granted
        self._granted -= size
        return not self._is_full


def _from_environment() -> int | None:
    """Return the limit in bytes; a text that is no number counts as none, because nothing depends on the limit."""
    try:
        return int(float(os.environ[LIMIT_VARIABLE]) * _GIB)
    except (KeyError, ValueError, OverflowError):
        return None

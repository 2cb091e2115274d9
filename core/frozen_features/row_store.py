"""Keep byte strings on disk by key: several processes add to one folder, and nothing damaged is read.

Every store appends to two files, ``NAME.rows`` and ``NAME.index``, that it has locked, and reads those of all. It takes
over files that nobody appends to any longer, so there are as many as stores that ever wrote at the same time. A row is
written before its entry in the index, and its checksum covers key and content: whatever a crash, a full disk or another
program leaves behind is either complete or counts as missing. Files are read with ``pread``, so the system's page cache
is the only copy, which all processes share; if another program shortens a file, rows are missing, where a memory map
would crash the process.
"""

from __future__ import annotations

import os
import uuid
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.frozen_features.cache_limit import CacheLimit

__all__ = ["KEY_BYTES", "AnyArray", "RowStore"]

KEY_BYTES: Final = 16
_CHECK_BYTES: Final = 4  # before every row
_ENTRY: Final = np.dtype([("key", f"V{KEY_BYTES}"), ("offset", "<u8")])
_OFFSET_BITS: Final = 44  # a place is the number of a file and an offset in it, in one integer to save memory

AnyArray = npt.NDArray[np.generic]


class RowStore:
    """Rows by key.

    Args:
        folder: created with the first row.
        limit: asked before a row is added.
    """

    def __init__(self, folder: Path, limit: CacheLimit) -> None:
        self._folder, self._limit = folder, limit
        self._places: dict[bytes, int] = {}
        self._damaged: set[int] = set()
        self._files: list[int] = []  # descriptors of the files of rows
        self._indexes: dict[str, tuple[int, int]] = {}  # by name: the number of the file, and entries read so far
        self._own: _Appended | None = None
        self._may_write = True

    def __len__(self) -> int:
        return len(self._places)

    def __del__(self) -> None:
        for descriptor in self._files:
            with suppress(OSError):
                os.close(descriptor)

    def read(self, key: bytes, out: AnyArray) -> bool:
        """Fill the array with a row; return False, with anything in the array, if it is missing or damaged.

        Args:
            key: 16 bytes.
            out: contiguous, as large as the row.
        """
        place = self._places.get(key)
        if place is None:
            return False
        number, offset = place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1)
        check = bytearray(_CHECK_BYTES)
        target = out.view(np.uint8).reshape(-1).data
        try:
            count = os.preadv(self._files[number], [check, target], offset)
        except OSError:
            count = 0
        if count != _CHECK_BYTES + target.nbytes or bytes(check) != _check(key, target):
            self._forget(key, place)
            return False
        return True

    def _forget(self, key: bytes, place: int) -> None:
        """Do not use a damaged row again; the next refresh looks for another one, that a process has added instead."""
        del self._places[key]
        self._damaged.add(place)
        self._indexes = {name: (number, 0) for name, (number, _) in self._indexes.items()}

    def refresh(self) -> None:
        """Find the rows that other processes have added since."""
        try:
            names = [entry.name for entry in os.scandir(self._folder) if entry.name.endswith(".index")]
        except OSError:  # nobody has added a row, or the folder has been deleted
            return
        for name in names:
            if self._own is None or name != self._own.index_name:
                with suppress(OSError):  # deleted in this moment
                    self._read_index(name)

    def _read_index(self, name: str) -> None:
        number, seen = self._indexes.get(name, (-1, 0))
        path = self._folder / name
        complete = path.stat().st_size // _ENTRY.itemsize
        if complete <= seen:
            return
        if number < 0:
            self._files.append(os.open(path.with_suffix(".rows"), os.O_RDONLY))
            number = len(self._files) - 1
        entries = np.fromfile(path, _ENTRY, complete - seen, offset=seen * _ENTRY.itemsize)
        self._indexes[name] = number, seen + len(entries)
        for key, offset in zip(entries["key"].tolist(), entries["offset"].tolist(), strict=True):
            place = number << _OFFSET_BITS | offset
            if offset >> _OFFSET_BITS == 0 and place not in self._damaged:
                self._places.setdefault(bytes(key), place)

    def write(self, rows: Iterable[tuple[bytes, AnyArray]]) -> None:
        """Add rows; those for which there is no room, or that the disk refuses, are left out.

        Args:
            rows: keys and contiguous arrays.
        """
        for key, row in rows:
            if not self._may_write:
                return
            content = row.view(np.uint8).reshape(-1).data
            if not self._limit.take(_CHECK_BYTES + content.nbytes + _ENTRY.itemsize):
                self._may_write = False
                return
            try:
                if self._own is None:
                    self._own = self._begin()
                offset = self._own.add(key, content)
            except OSError:
                self._may_write = False
                return
            self._places[key] = self._own_number << _OFFSET_BITS | offset

    def _begin(self) -> _Appended:
        """Lock a pair of files to append to."""
        self._folder.mkdir(parents=True, exist_ok=True)
        free = (own for path in sorted(self._folder.glob("*.index")) if (own := _Appended.take_over(path)) is not None)
        own = next(free, None) or _Appended(self._folder / f"{uuid.uuid4().hex}.index", os.O_CREAT | os.O_EXCL)
        self._files.append(own.rows)  # closed, and so unlocked, with this store
        self._own_number = len(self._files) - 1
        self._read_index(own.index_name)  # to its end: refresh() passes over it from now on
        return own


class _Appended:
    """The files that a store appends to.

    Args:
        index: path of the index.
        flags: with which they are opened, besides reading and writing.

    Raises:
        OSError: if the disk refuses it, or another store has locked them.
    """

    def __init__(self, index: Path, flags: int = 0) -> None:
        import fcntl  # only here: Windows, where nothing is kept, has none

        self.index_name = index.name
        self.rows = self._index = -1
        try:
            self.rows = os.open(index.with_suffix(".rows"), os.O_RDWR | os.O_APPEND | flags, 0o666)
            # Where a file system has no locks, new files are this store's all the same, and nobody takes them over.
            with suppress(*([OSError] if flags & os.O_EXCL else [])):
                fcntl.flock(self.rows, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._index = os.open(index, os.O_RDWR | os.O_APPEND | flags, 0o666)
            # What a killed writer left: part of an entry, and perhaps of a row, which no entry names.
            os.ftruncate(self._index, os.fstat(self._index).st_size // _ENTRY.itemsize * _ENTRY.itemsize)
            self._end = os.fstat(self.rows).st_size
        except OSError:
            if self.rows >= 0:
                os.close(self.rows)
            raise

    @classmethod
    def take_over(cls, index: Path) -> _Appended | None:
        """Return the files to append to them; None if another store does."""
        try:
            return cls(index)
        except OSError:
            return None

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            os.close(self._index)

    def add(self, key: bytes, content: memoryview) -> int:
        """Append a row and its entry; return the row's offset.

        Raises:
            OSError: if the disk refuses the write.
        """
        offset = self._end
        parts: tuple[bytes | memoryview, ...] = (_check(key, content), content)
        if os.writev(self.rows, parts) != _CHECK_BYTES + content.nbytes:
            raise OSError("the disk is full")
        self._end += _CHECK_BYTES + content.nbytes
        entry = np.array([(np.void(key), offset)], _ENTRY).tobytes()
        if os.write(self._index, entry) != len(entry):
            raise OSError("the disk is full")
        return offset


def _check(key: bytes, content: memoryview) -> bytes:
    return zlib.crc32(content, zlib.crc32(key)).to_bytes(_CHECK_BYTES, "little")

"""Store arrays on disk: written completely or not at all, memory-mapped when read, never used when damaged."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Entry", "read_entry", "write_entry"]

AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Entry:
    """Named arrays, and facts about them that can be written as JSON."""

    arrays: Mapping[str, AnyArray]
    facts: Mapping[str, Any]

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of arrays and facts, 64 hex digits."""
        digest = hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode())
        for name in sorted(self.arrays):
            array = np.ascontiguousarray(self.arrays[name])
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()


def read_entry(folder: Path) -> Entry | None:
    """Read what :func:`write_entry` wrote, with memory-mapped arrays; None if it is missing or damaged."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        # asarray, because indexing the memmap class itself is several times as slow as a plain view of it.
        arrays = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in manifest["arrays"]}
        entry = Entry(arrays, facts)
        return entry if entry.digest == manifest["digest"] else None
    except Exception:  # numpy evaluates the header, so that damage raises errors of Python's parser too
        return None


def write_entry(folder: Path, entry: Entry) -> None:
    """Write an entry. If several processes do so at the same time, the first wins; a damaged entry is replaced.

    Raises:
        OSError: if the disk refuses the write.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    try:
        for name, array in entry.arrays.items():
            np.save(draft / f"{name}.npy", array)
        (draft / "facts.json").write_text(json.dumps(entry.facts), encoding="utf-8")
        manifest = {"digest": entry.digest, "arrays": sorted(entry.arrays)}
        (draft / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        _put(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put(draft: Path, folder: Path) -> None:
    """Move a written folder into place."""
    if folder.exists():
        if read_entry(folder) is not None:
            return  # another process was faster
        # Moved away before it is deleted, so that no reader sees half of it.
        damaged = Path(tempfile.mkdtemp(prefix=".damaged-", dir=folder.parent))
        with suppress(FileNotFoundError):  # another process is replacing it too
            folder.rename(damaged / "entry")
        shutil.rmtree(damaged, ignore_errors=True)
    try:
        draft.rename(folder)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # these: another process was faster
            raise

"""Record a checksum for each file of a folder, and check files against them when they are read.

A file is written after its checksum, and the checksum of the file that it replaces stays until the next write: whenever
the process is killed, each file in the folder has one of its recorded checksums.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from core.run.atomic_files import write_atomically
from data.errors import UserError

__all__ = ["CHECKSUMS", "Checksums"]

CHECKSUMS = "checksums.json"
"""Name of the file with the checksums, in the folder of the files."""


class Checksums:
    """The SHA-256 of each file below a folder, in its ``checksums.json``: file -> possible checksums, the newest first.

    One process at a time writes with it.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / CHECKSUMS
        self._written: dict[str, list[str]] = {}  # by this object: these files have no other content

    def write(self, contents: Mapping[Path, bytes]) -> None:
        """Write files, each completely or not at all, and record their checksums.

        Args:
            contents: the content of each file, by path.

        Raises:
            MachineError: if the disk is full or a folder is not writable.
        """
        new = {self._name(path): [hashlib.sha256(content).hexdigest()] for path, content in contents.items()}
        stored = self._read() or {}
        known = {**stored, **{name: self._written[name] for name in self._written if name in stored}}
        both = {name: list(dict.fromkeys([*new[name], *known.get(name, [])])) for name in new}
        if stored != (recorded := {**known, **both}):
            write_atomically(self.path, _text(recorded))
        for path, content in contents.items():
            write_atomically(path, content)
        self._written.update(new)

    def record(self, paths: Iterable[Path]) -> None:
        """Record the checksums of files that are there, and of no others.

        Raises:
            OSError: if a file cannot be read, or the disk refuses the write.
        """
        found = {self._name(path): [_digest(path)] for path in paths}
        write_atomically(self.path, _text(found))

    def check_all(self, remedy: str) -> None:
        """Check all files that have a checksum and are there; raises as :meth:`check`."""
        for name in self._read() or {}:
            with suppress(FileNotFoundError):  # for the one who reads it to say what is missing
                self.check(self._folder / name, remedy)

    def check(self, path: Path, remedy: str, content: bytes | None = None) -> bool:
        """Check a file that :meth:`write` wrote.

        Args:
            path: the file, below the folder.
            remedy: what to do where it is damaged.
            content: what was read of it, so that it is not read again.

        Returns:
            Whether there is a checksum; files written by earlier versions have none.

        Raises:
            UserError: if the file has another checksum; the message names it.
            OSError: if the file cannot be read.
        """
        recorded = (self._read() or {}).get(self._name(path))
        if not recorded:
            return False
        found = _digest(path) if content is None else hashlib.sha256(content).hexdigest()
        if found not in recorded:
            raise UserError(
                f"{path}: the file is damaged or was changed, its checksum is not that in {self.path.name}; {remedy}"
            )
        return True

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    def _read(self) -> dict[str, list[str]] | None:
        """Return the recorded checksums; None if there are none, or they cannot be read."""
        try:
            stored = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return None
        return stored if isinstance(stored, dict) else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(recorded: Mapping[str, list[str]]) -> bytes:
    return (json.dumps(recorded, indent=2, sort_keys=True) + "\n").encode()

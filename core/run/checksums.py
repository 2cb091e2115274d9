"""Record a checksum for each file of a folder, and check files against them when they are read.

A file is written after its checksum, and the checksum of the file that it replaces stays until the next write: whenever
the process is killed, each file in the folder has one of its recorded checksums.

A folder without checksums is one of an earlier version. Damaged checksums are refused: their file is written completely
or not at all, so no kill leaves it damaged.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from core.run.atomic_files import replace_file, write_atomically
from data.errors import MachineError, UserError

__all__ = ["CHECKSUMS", "Checksums"]

CHECKSUMS = "checksums.json"
"""Name of the file with the checksums, in the folder of the files."""


class Checksums:
    """The SHA-256 of each file below a folder, in its ``checksums.json``: file -> possible checksums, the newest first.

    One process at a time writes with it. Every method but :meth:`record` raises :class:`~data.errors.MachineError` if
    ``checksums.json`` is damaged or cannot be read. A writer that has read it before writes it again instead.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / CHECKSUMS
        self._written: dict[str, list[str]] = {}  # by this object: these files have no other content
        self._recorded: dict[str, list[str]] | None = None  # what a writer read or wrote last

    def load(self) -> None:
        """Read the checksums, so that a later :meth:`write` knows them even if their file is damaged meanwhile."""
        self._recorded = self._read()

    def write(self, contents: Mapping[Path, bytes]) -> None:
        """Write files, each completely or not at all, and record their checksums.

        Args:
            contents: the content of each file, by path.

        Raises:
            MachineError: if the disk is full or a folder is not writable.
        """
        new = {self._name(path): [hashlib.sha256(content).hexdigest()] for path, content in contents.items()}
        self._add(new)
        for path, content in contents.items():
            write_atomically(path, content)
        self._written.update(new)

    def write_large(self, path: Path, write: Callable[[BinaryIO], object]) -> None:
        """Write a file as :meth:`write` does, without its whole content in memory.

        Args:
            path: the file.
            write: writes the content; called again if the folder is deleted meanwhile.

        Raises:
            MachineError: as :meth:`write`.
        """
        new: dict[str, list[str]] = {}

        def add(temporary: Path) -> None:
            new[self._name(path)] = [_digest(temporary)]
            self._add(new)

        replace_file(path, write, before_renaming=add)
        self._written.update(new)

    def record(self, paths: Iterable[Path]) -> None:
        """Record the checksums of files that are there, and of no others.

        Raises:
            OSError: if a file cannot be read, or the disk refuses the write.
        """
        found = {self._name(path): [_digest(path)] for path in paths}
        write_atomically(self.path, _text(found))

    def files(self) -> list[Path]:
        """Return the files that have a checksum, whether or not they are there."""
        return [self._folder / name for name in self._read()]

    def check_all(self, remedy: str) -> None:
        """Check all files that have a checksum.

        Raises:
            UserError: if one is missing, or as :meth:`check`.
            OSError: as :meth:`check`.
        """
        for name in self._read():
            try:
                self.check(self._folder / name, remedy)
            except FileNotFoundError:
                raise UserError(f"{self._folder / name}: the file is missing; {remedy}") from None

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
        recorded = self._read().get(self._name(path))
        if not recorded:
            return False
        found = _digest(path) if content is None else hashlib.sha256(content).hexdigest()
        if found not in recorded:
            raise UserError(
                f"{path}: the file is damaged or was changed, its checksum is not that in {self.path.name}; {remedy}"
            )
        return True

    def _add(self, new: Mapping[str, list[str]]) -> None:
        """Record the checksums of files that are about to be written, in addition to those that they have now."""
        stored = self._recall()
        known = {**stored, **{name: self._written[name] for name in self._written if name in stored}}
        both = {name: list(dict.fromkeys([*new[name], *(known.get(name) or self._present(name))])) for name in new}
        self._recorded = {**known, **both}
        write_atomically(self.path, _text(self._recorded))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    def _present(self, name: str) -> list[str]:
        """Return the checksum of an unchecked file, which is still there if a kill comes before its replacement."""
        try:
            return [_digest(self._folder / name)]
        except OSError:  # most often: there is none
            return []

    def _recall(self) -> dict[str, list[str]]:
        """Return the recorded checksums; if their file is damaged, those that this object read or wrote last."""
        try:
            return self._read()
        except MachineError:
            if self._recorded is None:
                raise
            warnings.warn(f"{self.path}: the file is damaged or cannot be read; it is written again", stacklevel=3)
            return self._recorded

    def _read(self) -> dict[str, list[str]]:
        """Return the recorded checksums; none if there is no file of them."""
        try:
            stored = json.loads(self.path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise MachineError(f"{self.path}: the file cannot be read: {error.strerror or error}") from error
        except (ValueError, RecursionError):
            stored = None
        if not _is_record(stored):
            raise MachineError(
                f"{self.path}: the file is damaged, so the files that it has checksums of cannot be checked; restore "
                "it from a copy, or delete it to use them unchecked"
            )
        checksums: dict[str, list[str]] = stored
        return checksums


def _is_record(stored: object) -> bool:
    return isinstance(stored, dict) and all(
        isinstance(found, list) and all(isinstance(one, str) for one in found) for found in stored.values()
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(recorded: Mapping[str, list[str]]) -> bytes:
    return (json.dumps(recorded, indent=2, sort_keys=True) + "\n").encode()

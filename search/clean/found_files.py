"""Find files that can be freed, and delete them.

Symbolic links below the root are not followed: their targets may belong to others.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["FilesBelow", "Finding", "FoundFile", "Freed", "free", "in_both", "mib"]


@dataclass(frozen=True)
class FoundFile:
    """A regular file.

    Attributes:
        path: path of the file.
        size: size in bytes.
        used: time of the last read or write, in seconds since the epoch, as far as the file system records it.
    """

    path: Path
    size: int
    used: float


@dataclass(frozen=True)
class FilesBelow:
    """Finder of files below one folder, and nowhere else.

    Attributes:
        root: the folder; the path to it may contain links.
    """

    root: Path

    def find(self, path: Path) -> FoundFile | None:
        """Return the regular file at a path; None if there is none, or the path contains a link below the root."""
        if self._leads_away(path.parent):
            return None
        try:
            status = path.lstat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return FoundFile(path, status.st_size, max(status.st_atime, status.st_mtime))

    def folders(self, path: Path) -> list[Path]:
        """Return the folders in a folder, sorted by name."""
        return [Path(entry.path) for entry in self._entries(path) if entry.is_dir(follow_symlinks=False)]

    def files(self, path: Path) -> list[FoundFile]:
        """Return the regular files in a folder, sorted by name."""
        found = (self.find(Path(entry.path)) for entry in self._entries(path))
        return [file for file in found if file is not None]

    def _entries(self, path: Path) -> list[os.DirEntry[str]]:
        if self._leads_away(path):
            return []
        try:
            with os.scandir(path) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:  # it does not exist, or another process deletes it
            return []

    def _leads_away(self, folder: Path) -> bool:
        """Return whether a folder is outside the root, or behind a link."""
        if not folder.is_relative_to(self.root) or ".." in folder.parts:
            return folder != self.root
        below = folder.relative_to(self.root)
        return any((self.root / part).is_symlink() for part in (below, *below.parents) if part != Path())


@dataclass(frozen=True)
class Finding:
    """Files of one kind in one place.

    Attributes:
        what: description of the files.
        where: the folder that contains all of them.
        count: number of trials, stages or splits that they belong to.
        folders: folders that are empty without them, the innermost first.
        is_cache: whether they are recomputed when they are needed again.
    """

    what: str
    where: Path
    count: int
    files: tuple[FoundFile, ...]
    folders: tuple[Path, ...] = ()
    is_cache: bool = False

    @property
    def size(self) -> int:
        """Total size in bytes."""
        return sum(file.size for file in self.files)

    @property
    def used(self) -> float:
        """Time of the last use of any of them, in seconds since the epoch."""
        return max(file.used for file in self.files)


@dataclass(frozen=True)
class Freed:
    """The result of freeing files.

    Attributes:
        size: freed bytes.
        failures: one line per file that could not be deleted.
    """

    size: int
    failures: tuple[str, ...]


def in_both(shown: Iterable[Finding], found: Iterable[Finding]) -> list[Finding]:
    """Return those of the shown files that are found again: a trial may have begun while the user was deciding."""
    still_there = {file.path for finding in found for file in finding.files}
    kept = [
        replace(finding, files=tuple(file for file in finding.files if file.path in still_there)) for finding in shown
    ]
    return [finding for finding in kept if finding.files]


def free(findings: Iterable[Finding], below: FilesBelow) -> Freed:
    """Delete the files that still exist, and folders that are then empty."""
    size, failures = 0, []
    for finding in findings:
        for file in finding.files:
            if below.find(file.path) is None:
                continue
            try:
                file.path.unlink()
                size += file.size
            except OSError as error:
                failures.append(f"{file.path}: {error.strerror or error}")
        for folder in finding.folders:
            with suppress(OSError):  # something new is in it
                folder.rmdir()
    return Freed(size, tuple(failures))


def mib(size: int) -> str:
    """Format a size in bytes in MiB: ``1,234.5``."""
    return f"{size / 2**20:,.1f}"

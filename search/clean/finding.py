"""Describe files that can be freed, and delete them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from search.clean.found_files import FilesBelow, FoundFile

__all__ = ["Finding", "Freed", "free", "in_both"]


@dataclass(frozen=True)
class Finding:
    """Files of one kind in one place.

    Attributes:
        what: description of the files.
        where: the folder that contains all of them.
        count: number of trials, stages or splits that they belong to.
        files: the files.
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

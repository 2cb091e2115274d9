"""Something that can be freed, and the freeing."""

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
        what: they are, in words.
        where: the folder that all of them are in.
        count: how many trials, stages or splits they belong to.
        files: all of them.
        folders: that are empty without them, the innermost first.
        is_cache: whether they are made again when they are wanted.
    """

    what: str
    where: Path
    count: int
    files: tuple[FoundFile, ...]
    folders: tuple[Path, ...] = ()
    is_cache: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)

    @property
    def used(self) -> float:
        """When the last of them was used, seconds since the epoch."""
        return max(file.used for file in self.files)


@dataclass(frozen=True)
class Freed:
    """What became of it.

    Attributes:
        size: bytes that were freed.
        failures: a line for each file that could not be deleted.
    """

    size: int
    failures: tuple[str, ...]


def in_both(shown: Iterable[Finding], found: Iterable[Finding]) -> list[Finding]:
    """Of what was shown, the files that are found again: a trial may have begun while somebody thought it over."""
    still_there = {file.path for finding in found for file in finding.files}
    kept = [
        replace(finding, files=tuple(file for file in finding.files if file.path in still_there)) for finding in shown
    ]
    return [finding for finding in kept if finding.files]


def free(findings: Iterable[Finding], below: FilesBelow) -> Freed:
    """Delete the files, those that are still there, and the folders that are empty then."""
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
            with suppress(OSError):  # somebody has put something new there
                folder.rmdir()
    return Freed(size, tuple(failures))

"""Find files below a root without following symbolic links, whose targets may belong to others."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FilesBelow", "FoundFile"]


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

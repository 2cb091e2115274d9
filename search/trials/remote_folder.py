"""Keep the files of one folder at a URL, with a list that says which files belong together.

The list, which has the SHA-256 of each file, is written after the files. A reader compares each file with it, and so
has all files as they were at one time, or none.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.run.atomic_files import writing
from data.errors import UnavailableError
from search.storage.file_lease import HOLDER
from search.trials.url_store import UrlStore

__all__ = ["LIST", "FileList", "RemoteFolder"]

LIST = "files.json"
"""Name of the list."""

READS = 5  # of a folder that is being written
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class FileList:
    """The files of a folder.

    Attributes:
        generation: number of times that runs of a trial have saved it; a run counts on from the one that it continues.
        files: the SHA-256 of each, by its path in the folder.
    """

    generation: int = 0
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, content: bytes) -> FileList | None:
        """Read what :meth:`to_json` wrote; None if it is damaged, as while it is replaced in some stores."""
        try:
            stored = json.loads(content)
            files = {str(name): str(digest) for name, digest in stored["files"].items()}
            return cls(int(stored["generation"]), files) if all(map(_is_below, files)) else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def to_json(self) -> bytes:
        """Return the list as JSON, one file on each line."""
        return (json.dumps({"generation": self.generation, "files": self.files}, indent=1, sort_keys=True)).encode()


class RemoteFolder:
    """A folder at a URL, of which this process has a copy.

    Args:
        store: contains it.
        name: its path there; empty for the store itself.
        by_content: whether each file's name there is its SHA-256, so that the files of an old list stay until the new
            one is there; otherwise, it is its own name.
        is_flat: whether folders in it do not belong to it.

    Attributes:
        list: as this object last read or wrote it.
    """

    def __init__(self, store: UrlStore, name: str, *, by_content: bool = False, is_flat: bool = False) -> None:
        self._store = store
        self._prefix = f"{name}/" if name else ""
        self._by_content = by_content
        self._is_flat = is_flat
        self._digests: dict[Path, tuple[int, int, str]] = {}  # size, time of the last change, SHA-256
        self.list = FileList()

    @property
    def list_name(self) -> str:
        """Path of the list in the store."""
        return self._prefix + LIST

    def read_list(self) -> bool:
        """Read the list; return whether there is one."""
        found = self._store.read([self.list_name])
        return self.list_name in found and self.take_list(found[self.list_name])

    def take_list(self, content: bytes) -> bool:
        """Use a list that has been read; return whether it is undamaged."""
        if (listed := FileList.read(content)) is not None:
            self.list = listed
        return listed is not None

    def push(self, folder: Path, generation: int | None = None) -> None:
        """Make the remote files those of ``folder``; locks, hidden and half-written files are no part of it.

        Args:
            folder: on this machine.
            generation: to write into the list; None: as before.

        Raises:
            UnavailableError: the store does not answer; the call can be repeated.
            MachineError: a file cannot be read.
        """
        with writing(folder):
            files = {name: self._digest(folder / name) for name in self._names(folder)}
        new = FileList(self.list.generation if generation is None else generation, files)
        if new == self.list:
            return
        old = {self._object(*item) for item in self.list.files.items()}
        changed = [item for item in files.items() if self.list.files.get(item[0]) != item[1]]
        self._store.upload({self._object(*item): folder / item[0] for item in changed})
        self._store.write(self.list_name, new.to_json())
        self.list = new
        self._store.delete(old - {self._object(*item) for item in files.items()})

    def pull(self, folder: Path, wanted: Callable[[str], bool] = lambda _: True, *, only_listed: bool = False) -> None:
        """Make ``folder`` contain the remote files, as :attr:`list` has them; the rest of it stays.

        Args:
            folder: on this machine.
            wanted: whether a file, by its path in the folder, is needed.
            only_listed: whether other files of this machine are deleted.

        Raises:
            UnavailableError: the store does not answer, or the files change all the time.
            MachineError: a file cannot be written.
        """
        for _ in range(READS):
            if self._pull_once(folder, wanted):
                break
            time.sleep(PAUSE_SECONDS)
            self.read_list()
        else:
            raise UnavailableError(f"'{self._store.url}/{self._prefix}' has files that do not match its {LIST}")
        if only_listed:
            with writing(folder):
                for name in set(self._names(folder)) - self.list.files.keys():
                    (folder / name).unlink(missing_ok=True)

    def _pull_once(self, folder: Path, wanted: Callable[[str], bool]) -> bool:
        """Fetch the files that are missing here or have another content; return whether all match the list."""
        with writing(folder):
            missing = {
                name: digest
                for name, digest in self.list.files.items()
                if wanted(name) and not self._is_same(folder / name, digest)
            }
            new = {name: (folder / name).with_name(f".{secrets.token_hex(8)}.tmp") for name in missing}
            for path in new.values():
                path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._store.download({self._object(name, missing[name]): path for name, path in new.items()})
            with writing(folder):
                for name, path in new.items():
                    if self._is_same(path, missing[name]):
                        path.replace(folder / name)
                return all(self._is_same(folder / name, digest) for name, digest in missing.items())
        except UnavailableError as error:
            if isinstance(error.__cause__, FileNotFoundError):  # the list has been replaced meanwhile
                return False
            raise
        finally:
            for path in new.values():
                path.unlink(missing_ok=True)

    def _object(self, name: str, digest: str) -> str:
        return self._prefix + (digest if self._by_content else name)

    def _names(self, folder: Path) -> Iterator[str]:
        for path in sorted(folder.glob("*" if self._is_flat else "**/*")):
            name = path.relative_to(folder)
            is_hidden = any(part.startswith(".") for part in name.parts)
            if not (is_hidden or name.name == HOLDER or name.suffix in {".tmp", ".lock"}) and path.is_file():
                yield name.as_posix()

    def _is_same(self, path: Path, digest: str) -> bool:
        return path.is_file() and self._digest(path) == digest

    def _digest(self, path: Path) -> str:
        """Return a file's SHA-256, read again only if the file has changed."""
        found = path.stat()
        size, changed_at, digest = self._digests.get(path, (-1, -1, ""))
        if (size, changed_at) != (found.st_size, found.st_mtime_ns):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            self._digests[path] = found.st_size, found.st_mtime_ns, digest
        return digest


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name

"""Keep the files of one folder at a URL, with a list that says which files belong together.

The list, which has the SHA-256 of each file, is written after the files; and before them, without those that are
replaced. Whenever a writer is killed, the files on the list are as it says.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Set
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath

from core.run.atomic_files import write_atomically, writing
from data.errors import UnavailableError
from search.storage.file_lease import HOLDER
from search.trials.url_store import LIST, UrlStore

__all__ = ["SYNCED", "FileList", "RemoteFolder"]

SYNCED = ".files.json"
"""Name of the list in the copy on this machine, as it was when the two were equal."""

READS = 5  # of a folder that is being written
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class FileList:
    """The files of a folder.

    Attributes:
        generation: number of times that runs of a trial have saved it; a run counts on from the one that it continues.
        token: of the trial that the folder belongs to: an earlier study's trial of this number has another.
        files: the SHA-256 of each, by its path in the folder.
    """

    generation: int = 0
    token: str = ""
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, content: bytes) -> FileList | None:
        """Read what :meth:`to_json` wrote; None if it is damaged, as while it is replaced in some stores."""
        try:
            stored = json.loads(content)
            files = {str(name): str(digest) for name, digest in stored["files"].items()}
            listed = cls(int(stored["generation"]), str(stored["token"]), files)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return listed if all(map(_is_below, files)) else None

    def to_json(self) -> bytes:
        """Return the list as JSON, one file on each line."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()


class RemoteFolder:
    """A folder at a URL, and its list; its methods copy files from a folder of this machine, or to it.

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
        self._is_there = False  # the list
        self._is_damaged = False
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
        listed = FileList.read(content)
        self._is_damaged = listed is None
        if listed is not None:
            self.list, self._is_there = listed, True
        return listed is not None

    def begin(self, like: FileList) -> None:
        """Give the folder a new list, without files but with another one's generation and token."""
        self.list, self._is_there = replace(like, files={}), False

    def push_changes(self, folder: Path, *, with_deletions: bool) -> None:
        """Push what this machine has changed in ``folder`` since the two were equal; what others have changed stays.

        Args:
            folder: on this machine.
            with_deletions: whether files that are missing here were deleted on purpose.

        Raises:
            UnavailableError, MachineError: as :meth:`push`.
        """
        before, files = self.synced_files(folder), self.files(folder)
        if files == before:
            return
        deleted = before.keys() - files.keys() if with_deletions else set()
        self.read_list()
        self._update(folder, {name for name in files if files[name] != before.get(name)} | deleted)
        self.push(folder)

    def push(self, folder: Path, generation: int | None = None) -> None:
        """Make the remote files those of ``folder``; locks, hidden and half-written files are no part of it.

        Args:
            folder: on this machine.
            generation: to write into the list; None: as before.

        Raises:
            UnavailableError: the store does not answer; the call can be repeated.
            MachineError: a file cannot be read.
        """
        old, files = self.list, self.files(folder)
        new = replace(old, generation=old.generation if generation is None else generation, files=files)
        if new == old and self._is_there:
            return
        changed = [item for item in files.items() if old.files.get(item[0]) != item[1]]
        if not self._by_content and any(name in old.files for name, _ in changed):
            unchanged = {name: digest for name, digest in old.files.items() if files.get(name) == digest}
            self._write_list(replace(old, files=unchanged))
        self._store.upload({self._object(*item): folder / item[0] for item in changed})
        self._write_list(new)
        self._store.delete({self._object(*item) for item in old.files.items()} - self._objects())
        self._note(folder)

    def sweep(self) -> None:
        """Delete files that are not on the list, left by a writer that was killed."""
        there = {self._prefix + name for name in self._store.below(self._prefix.rstrip("/"))}
        self._store.delete(there - self._objects() - {self.list_name})

    def fetch(self, folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> None:
        """Copy the remote files, as :attr:`list` has them, into ``folder``; what else is there stays.

        Args:
            folder: on this machine.
            wanted: whether a file, by its path in the folder, is needed.

        Raises:
            UnavailableError: the store does not answer, or the files do not match the list.
            MachineError: a file cannot be written.
        """
        for _ in range(READS):
            if not self._is_damaged and self._fetch_once(folder, wanted):
                return
            time.sleep(PAUSE_SECONDS)
            self.read_list()
        raise UnavailableError(f"'{self._store.url}/{self._prefix}' has files that do not match its {LIST}")

    def _fetch_once(self, folder: Path, wanted: Callable[[str], bool]) -> bool:
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

    def pull(self, folder: Path, *, only_listed: bool = False) -> None:
        """Bring ``folder`` up to date: with the remote files, and without those that are there no longer.

        Args:
            folder: on this machine.
            only_listed: whether what this machine has changed or added, and not pushed, is undone.

        Raises:
            UnavailableError, MachineError: as :meth:`fetch`.
        """
        before, files = self.synced_files(folder), self.files(folder)
        self._update(folder, {name for name in files if not only_listed and files[name] != before.get(name)})
        if only_listed:
            self._delete(folder, files.keys() - self.list.files.keys())
        self._note(folder)

    def _update(self, folder: Path, own: Set[str]) -> None:
        """Fetch what others have changed, delete what they have deleted; this machine's ``own`` files stay."""
        before = self.synced_files(folder)
        self.fetch(folder, lambda name: name not in own)
        self._delete(folder, before.keys() - own - self.list.files.keys())

    def _delete(self, folder: Path, names: Set[str]) -> None:
        with writing(folder):
            for name in names:
                (folder / name).unlink(missing_ok=True)

    def forget(self, folder: Path) -> None:
        """Delete from ``folder`` what it has of a remote folder that is gone."""
        self._delete(folder, {*self.synced_files(folder), SYNCED})

    def files(self, folder: Path) -> dict[str, str]:
        """Return the SHA-256 of the files that belong to ``folder``, by their paths in it.

        Raises:
            MachineError: a file cannot be read.
        """
        with writing(folder):
            return {name: self._digest(folder / name) for name in self._names(folder)}

    def synced_files(self, folder: Path) -> dict[str, str]:
        """Return what :meth:`files` was when ``folder`` was last pushed or pulled; nothing if it never was."""
        try:
            listed = FileList.read((folder / SYNCED).read_bytes())
        except OSError:
            return {}
        return {} if listed is None else listed.files

    def _write_list(self, new: FileList) -> None:
        self._store.write(self.list_name, new.to_json())
        self.list, self._is_there = new, True

    def _note(self, folder: Path) -> None:
        if not self._by_content and folder.is_dir():
            write_atomically(folder / SYNCED, self.list.to_json())

    def _objects(self) -> set[str]:
        return {self._object(*item) for item in self.list.files.items()}

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

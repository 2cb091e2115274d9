"""Read and write files at a URL, such as ``s3://bucket/runs``, through fsspec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from data.errors import UnavailableError, UserError
from search.display.fault_text import one_line

__all__ = ["LIST", "UrlStore"]

LIST = "files.json"
"""Name of the list of a folder's files, which is deleted before them; see :mod:`search.trials.remote_folder`."""

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}  # protocol of buckets -> our extra
_OPTIONS = {"file": {"auto_mkdir": True}, "local": {"auto_mkdir": True}}  # buckets have no folders to be made


class UrlStore:
    """The files below a URL. In a bucket, a file is there completely or not at all.

    Every method raises :class:`~data.errors.UnavailableError` if the store does not answer or refuses.

    Args:
        url: such as ``s3://bucket/runs``; where its credentials come from is up to the store's own library.

    Raises:
        UserError: no library for such URLs is installed, or there are none.
    """

    def __init__(self, url: str) -> None:
        import fsspec  # only here: most studies are in a folder

        protocol = url.partition("://")[0]
        self.url = url.rstrip("/")
        self._is_bucket = protocol in EXTRAS
        options = {"skip_instance_cache": protocol != "memory", **_OPTIONS.get(protocol, {})}
        try:
            self._fs: Any
            self._fs, self._root = fsspec.url_to_fs(url, **options)
        except ImportError:
            extra = EXTRAS.get(protocol)
            how = f"pip install -c constraints.txt -e '.[{extra}]'" if extra else "install its package for fsspec"
            raise UserError(f"{self.url}: {protocol}:// needs another package: {how}") from None
        except Exception as error:  # each library raises errors of its own
            raise UserError(f"{self.url}: {one_line(error) or type(error).__name__}") from None

    def check(self) -> None:
        """Refuse a bucket that does not exist; in other stores, nothing has to.

        Raises:
            UserError: there is none.
        """
        bucket = self._root.partition("/")[0]
        for path in (self._root, bucket) if self._is_bucket else ():
            with self._reaching(), suppress(FileNotFoundError):
                try:
                    self._fs.ls(path, refresh=True)
                except PermissionError:
                    if path != bucket:  # which one may have to be allowed to list, unlike what is in the folder
                        raise
                return
        if self._is_bucket:
            raise UserError(f"{self.url}: there is no bucket '{bucket}'")

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of small files, by name; those that do not exist are left out."""
        paths = {self._path(name): name for name in names}
        if not paths:
            return {}
        with self._reaching():
            found = self._fs.cat(list(paths), on_error="return")
            for content in found.values():
                if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                    raise content
        return {paths[path]: content for path, content in found.items() if isinstance(content, bytes)}

    def write(self, name: str, content: bytes) -> None:
        """Write a small file."""
        with self._reaching():
            self._fs.pipe_file(self._path(name), content)

    def upload(self, files: Mapping[str, Path]) -> None:
        """Write files of this machine, by name."""
        if files:
            with self._reaching():
                self._fs.put([str(path) for path in files.values()], [self._path(name) for name in files])

    def download(self, files: Mapping[str, Path]) -> None:
        """Write files to this machine, by name, into folders that exist."""
        if files:
            with self._reaching():
                self._fs.get([self._path(name) for name in files], [str(path) for path in files.values()])

    def folders(self, name: str = "") -> list[str]:
        """Return the names of the folders directly below a folder, in alphabetical order; none if it does not exist."""
        with self._reaching():
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(self._path(name), detail=True)
            except FileNotFoundError:
                return []
        return sorted({PurePosixPath(one["name"]).name for one in found if one["type"] == "directory"})

    def below(self, name: str = "") -> list[str]:
        """Return all files below a folder, by their paths in it."""
        start = len(self._path(name)) + 1
        with self._reaching():
            self._fs.invalidate_cache()
            return [path[start:] for path in self._fs.find(self._path(name))]

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; one that does not exist is ignored."""
        paths = [self._path(name) for name in names]
        if not paths:
            return
        with self._reaching():
            try:
                self._fs.rm(paths)
            except FileNotFoundError:  # some stores then keep the others
                for path in paths:
                    with suppress(FileNotFoundError):
                        self._fs.rm_file(path)

    def delete_folder(self, name: str) -> None:
        """Delete all files below a folder."""
        if found := self.below(name):
            lists = [file for file in found if PurePosixPath(file).name == LIST]
            self.delete(f"{name}/{file}" for file in lists)  # first: no list may name what is gone
            self.delete(f"{name}/{file}" for file in found if file not in lists)
            if self.below(name):  # S3 refuses to delete single files without an error
                raise UnavailableError(f"files in '{self.url}/{name}' are not deleted; is that allowed?")

    def move_folder(self, source: str, target: str) -> None:
        """Give all files below a folder a place below another one; does nothing if there are none."""
        if found := self.below(source):
            old, new = ([self._path(f"{folder}/{file}") for file in found] for folder in (source, target))
            with self._reaching():
                self._fs.copy(old, new)
            self.delete(f"{source}/{file}" for file in found)  # and nothing that has come since

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}".rstrip("/")

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each library raises errors of its own
            raise UnavailableError(f"'{self.url}' cannot be used: {one_line(error) or type(error).__name__}") from error

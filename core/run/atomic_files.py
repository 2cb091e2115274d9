"""Write files that are either complete or absent, even after a power cut."""

from __future__ import annotations

import errno
import glob
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from data.errors import MachineError

__all__ = [
    "DISK_FAULTS",
    "flush_folder",
    "flush_to_disk",
    "half_written_files",
    "replace_file",
    "write_atomically",
    "writing",
]

DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # full or read-only, whatever the file
_ATTEMPTS = 3  # to write a file whose folder keeps being deleted
_TOKEN_BYTES = 8
# Never through a symbolic link, or into a file, that somebody else put there.
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file completely or not at all; see :func:`replace_file`."""
    replace_file(path, lambda file: file.write(content))


def replace_file(
    path: Path, write: Callable[[BinaryIO], object], before_renaming: Callable[[Path], object] | None = None
) -> None:
    """Replace the file at ``path`` once all of the new one is safe on disk; until then the old one stays.

    A missing folder is created.

    Args:
        path: path of the file.
        write: writes the content; called again if the folder is deleted meanwhile.
        before_renaming: called with the new file while it has a temporary name.

    Raises:
        MachineError: if the disk is full or the folder is not writable.
    """
    with writing(path):
        for attempt in range(_ATTEMPTS):
            try:
                _write_once(path, write, before_renaming)
                return
            except FileNotFoundError:
                if attempt == _ATTEMPTS - 1:
                    raise


def _write_once(
    path: Path, write: Callable[[BinaryIO], object], before_renaming: Callable[[Path], object] | None
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(_TOKEN_BYTES)}.tmp")
    try:
        with os.fdopen(os.open(temporary, _NEW_FILE, 0o666), "wb") as file:
            write(file)
            flush_to_disk(file)
        if before_renaming is not None:
            before_renaming(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # half a file would keep a full disk full
        raise


def half_written_files(path: Path) -> list[Path]:
    """Return the files that writers of ``path`` left behind when they were killed.

    Nobody may be writing the file meanwhile. Earlier versions used one name, without a random part.
    """
    random_part = "[0-9a-f]" * (2 * _TOKEN_BYTES)
    old = path.with_name(f"{path.name}.tmp")
    return [*path.parent.glob(f"{glob.escape(path.name)}.{random_part}.tmp"), *([old] if old.is_file() else [])]


def flush_to_disk(file: BinaryIO) -> None:
    """Make what was written survive a power cut."""
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn any OSError raised inside into a MachineError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise MachineError(f"cannot write '{path}': {error.strerror or error}") from error


def flush_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut, where the system allows it.

    A folder that has been deleted meanwhile is ignored.

    Raises:
        MachineError: the disk failed.
    """
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush folders
            raise MachineError(f"cannot write to '{folder}': {error.strerror or error}") from error
    finally:
        os.close(descriptor)

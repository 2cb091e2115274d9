"""Write files that are either complete or absent, even after a power cut."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from data.errors import MachineError

__all__ = [
    "DISK_FAULTS",
    "flush_folder",
    "flush_to_disk",
    "replace_file",
    "temporary_path",
    "write_atomically",
    "writing",
]

DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # full or read-only, whatever the file
_ATTEMPTS = 3  # to write a file whose folder keeps being deleted


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file completely or not at all; see :func:`replace_file`."""
    replace_file(path, lambda file: file.write(content))


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Replace the file at ``path`` once all of the new one is safe on disk; until then the old one stays.

    A missing folder is created.

    Args:
        path: path of the file.
        write: writes the content; called again if the folder is deleted meanwhile.

    Raises:
        MachineError: if the disk is full or the folder is not writable.
    """
    with writing(path):
        for attempt in range(_ATTEMPTS):
            try:
                _write_once(path, write)
                return
            except FileNotFoundError:
                if attempt == _ATTEMPTS - 1:
                    raise


def _write_once(path: Path, write: Callable[[BinaryIO], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path)
    try:
        with temporary.open("wb") as file:
            write(file)
            flush_to_disk(file)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # half a file would keep a full disk full
        raise


def temporary_path(path: Path) -> Path:
    """Return where a file is written before it is moved into place; a kill may leave one behind."""
    return path.with_name(path.name + ".tmp")


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

"""Files that are either whole or absent, also after a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from data.errors import UserError

__all__ = ["flush_folder", "flush_to_disk", "unfinished", "write_atomically", "written_whole"]


def write_atomically(path: Path, content: bytes) -> None:
    """A small file, whole or not at all; raises as :func:`written_whole`."""
    with written_whole(path) as file:
        file.write(content)


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` once all of it is safe on disk; until then the old one stays.

    Raises:
        UserError: if the disk is full or the folder does not take it.
    """
    temporary = unfinished(path)
    try:
        try:
            with temporary.open("wb") as file:
                yield file
                flush_to_disk(file)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)  # half a file would keep a full disk full
            raise
    except OSError as error:
        raise UserError(f"cannot write '{path}': {error.strerror or error}") from error


def unfinished(path: Path) -> Path:
    """Where a file is written before it takes its place; a kill may leave one behind."""
    return path.with_name(path.name + ".tmp")


def flush_to_disk(file: BinaryIO) -> None:
    """Make what was written survive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system allows it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

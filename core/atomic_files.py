"""Files that are either whole or absent, also after a power cut."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

__all__ = ["flush_folder", "flush_to_disk", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """A small file, whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        flush_to_disk(file)
    temporary.replace(path)


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

"""Write and read checkpoints that are either complete or absent.

A checkpoint is written to a temporary file, flushed to disk, then renamed. A SHA-256 at the end of the file reveals
damage.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from core.run.atomic_files import flush_folder, replace_file
from core.run.errors import CheckpointError

__all__ = ["load_checkpoint", "save_checkpoint"]

_DIGEST_BYTES = hashlib.sha256().digest_size


class _HashingWriter(io.RawIOBase):
    """Pass bytes on to a file and hash them on the way, so that they are read only once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.refusal: OSError | None = None  # why the disk refused a write

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.refusal = error
            raise


class _Beginning(io.RawIOBase):
    """Read the first ``size`` bytes of a file, without a copy of them in memory."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self._file, self.size = file, size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset, whence = self.size + offset, os.SEEK_SET
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        part = memoryview(buffer).cast("B")[: max(self.size - self._file.tell(), 0)]
        return self._file.readinto(part)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values; the old file stays until the new one is safe on disk.

    Raises:
        MachineError: if the disk is full or the folder is not writable.
    """
    replace_file(path, lambda file: _write(file, state))
    flush_folder(path.parent)


def _write(file: BinaryIO, state: dict[str, Any]) -> None:
    writer = _HashingWriter(file)
    try:
        torch.save(state, cast("BinaryIO", writer))
    except RuntimeError:
        # On a full disk, torch reports only that its archive has an unexpected length.
        if writer.refusal is not None:
            raise writer.refusal from None
        raise
    file.write(writer.sha256.digest())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load what :func:`save_checkpoint` wrote, on the CPU.

    Raises:
        CheckpointError: if the file is damaged, cannot be read or is not a checkpoint; the message names the file.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot read the checkpoint: {error.strerror or error}") from error


def _read(path: Path, file: io.BufferedReader) -> dict[str, Any]:
    size = os.fstat(file.fileno()).st_size
    payload = _Beginning(file, max(size - _DIGEST_BYTES, 0))
    sha256 = hashlib.file_digest(payload, "sha256").digest()
    file.seek(payload.size)
    if sha256 != file.read():
        raise CheckpointError(f"{path}: the file is damaged: wrong checksum ({size} bytes)")
    payload.seek(0)
    try:
        state: dict[str, Any] = torch.load(cast("BinaryIO", payload), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(f"{path}: not a checkpoint") from error
    return state

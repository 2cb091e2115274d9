"""Checkpoints that are either whole or absent.

Written to a temporary file, flushed to disk, then renamed; a SHA-256 at the end of the file tells a damaged one.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from core.run.atomic_files import flush_folder, replace_file
from core.run.errors import CheckpointError

__all__ = ["load_checkpoint", "save_checkpoint"]

_DIGEST_BYTES = hashlib.sha256().digest_size


class _HashingWriter(io.RawIOBase):
    """Passes bytes on to a file and hashes them on the way, so that they are read once only."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.refusal: OSError | None = None  # why the disk did not take something

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.refusal = error
            raise


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values; the old file stays until the new one is safe on disk.

    Raises:
        MachineError: if the disk is full or the folder does not take it.
    """
    replace_file(path, lambda file: _write(file, state))
    flush_folder(path.parent)


def _write(file: BinaryIO, state: dict[str, Any]) -> None:
    writer = _HashingWriter(file)
    try:
        torch.save(state, cast("BinaryIO", writer))
    except RuntimeError:
        # Of a full disk torch reports only that its archive did not come out as long as it should.
        if writer.refusal is not None:
            raise writer.refusal from None
        raise
    file.write(writer.sha256.digest())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What :func:`save_checkpoint` wrote, on the CPU.

    Raises:
        CheckpointError: if the file is damaged, cannot be read or is no checkpoint; it names the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    payload, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        raise CheckpointError(f"{path}: the checksum does not fit ({len(content)} bytes); the file is damaged")
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(f"{path}: is no checkpoint") from error
    return state

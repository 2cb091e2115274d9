"""Write and read checkpoints that are either complete or absent.

A checkpoint is written to a temporary file, flushed to disk, then renamed. A SHA-256 at the end of the file reveals
damage.
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
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot read the checkpoint: {error.strerror or error}") from error
    payload, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        raise CheckpointError(f"{path}: the file is damaged: wrong checksum ({len(content)} bytes)")
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError) as error:
        raise CheckpointError(f"{path}: not a checkpoint") from error
    return state

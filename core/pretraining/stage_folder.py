"""Store a stage in the cache: its checkpoint while it trains, then the encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.model_files.safetensors_writer import write_safetensors
from core.pretraining.observer import PretrainingInterruptedError, StageObserver
from core.pretraining.weights_digest import weights_digest
from core.run.atomic_files import flush_folder, half_written_files, replace_file, write_atomically, writing
from core.run.checkpoint import load_checkpoint, save_checkpoint
from core.run.errors import CheckpointError
from data.errors import MachineError

__all__ = ["StageFolder"]

_LOOK_UP_SECONDS = 1.0  # between two calls of the observer while another process trains


class StageFolder:
    """The folder ``<cache>/stages/<key>/``, shared by all processes; its files are either complete or absent.

    Args:
        path: the folder; :meth:`locked` creates it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.encoder = path / "encoder.safetensors"
        self.checkpoint = path / "checkpoint.pt"
        self.facts = path / "stage.json"
        self.lock = path / "lock"

    @contextmanager
    def locked(self, stage: str, observer: StageObserver) -> Iterator[None]:
        """Lock the folder for one process; the operating system releases the lock of a process that dies.

        Raises:
            PretrainingInterruptedError: if the observer stops waiting.
            MachineError: if the folder cannot be created or written to.
        """
        lock = FileLock(self.lock)
        while not self._acquired(lock):
            if not observer.waiting(stage):
                raise PretrainingInterruptedError(f"stage {stage}, while another process trains it")
        try:
            self._delete_half_written()
            yield
        finally:
            lock.release()

    def _delete_half_written(self) -> None:
        with writing(self.path):
            for path in (self.encoder, self.checkpoint):
                for left in half_written_files(path):
                    left.unlink(missing_ok=True)

    def _acquired(self, lock: FileLock) -> bool:
        """Return whether the lock was acquired within a second."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=_LOOK_UP_SECONDS)
        except Timeout:
            return False
        except OSError as error:
            raise MachineError(f"cannot write to '{self.path}': {error.strerror or error}") from error
        return True

    def read_encoder(self) -> dict[str, Tensor] | None:
        """Read what :meth:`write_encoder` wrote; None if there is nothing.

        Raises:
            CheckpointError: if it is damaged.
        """
        try:
            if not self.encoder.exists():
                return None
            with safe_open(self.encoder, framework="pt") as file:
                weights: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                digest = (file.metadata() or {}).get("sha256")
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{self.encoder}: cannot read the encoder: {error}") from error
        if weights_digest(weights) != digest:
            raise CheckpointError(f"{self.encoder}: the file is damaged: wrong checksum")
        return weights

    def write_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Write the trained encoder, and delete the checkpoint.

        Raises:
            MachineError: if the disk refuses the write, as for all files written here.
        """
        metadata = {"format": "pt", "sha256": weights_digest(weights)}
        replace_file(self.encoder, lambda file: write_safetensors(file, weights, metadata))
        flush_folder(self.path)
        self.checkpoint.unlink(missing_ok=True)

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Write what the folder's key was made from and the loss curve, for people and for search.clean."""
        write_atomically(self.facts, (json.dumps(facts, indent=2) + "\n").encode())

    def read_checkpoint(self) -> dict[str, Any] | None:
        """Read what :meth:`write_checkpoint` wrote last; None if there is nothing.

        Raises:
            CheckpointError: if it is damaged.
        """
        return load_checkpoint(self.checkpoint) if self.checkpoint.exists() else None

    def write_checkpoint(self, state: dict[str, Any]) -> None:
        """Write the state of a stage in progress."""
        save_checkpoint(self.checkpoint, state)

"""The folder that a stage leaves in the cache: its checkpoint while it trains, then the encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.pretraining.observer import PretrainingInterruptedError, StageObserver
from core.pretraining.weights_digest import weights_digest
from core.run.atomic_files import flush_folder, write_atomically
from core.run.checkpoint import load_checkpoint, save_checkpoint
from core.run.errors import CheckpointError
from data.errors import MachineError

__all__ = ["StageFolder"]

_LOOK_UP_SECONDS = 1.0  # between two questions to the observer while another process trains


class StageFolder:
    """``<cache>/stages/<key>/``: everything in it is whole or absent, and shared by all processes.

    Args:
        path: the folder; :meth:`locked` makes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.encoder = path / "encoder.safetensors"
        self.checkpoint = path / "checkpoint.pt"
        self.facts = path / "stage.json"
        self.lock = path / "lock"

    @contextmanager
    def locked(self, stage: str, observer: StageObserver) -> Iterator[None]:
        """At most one process at a time; the operating system frees the lock of one that dies, however it dies.

        Raises:
            PretrainingInterruptedError: the observer does not want to wait any longer.
            MachineError: the folder cannot be made or written to.
        """
        lock = FileLock(self.lock)
        while not self._acquired(lock):
            if not observer.waiting(stage):
                raise PretrainingInterruptedError(f"stage {stage}, while another process trains it")
        try:
            yield
        finally:
            lock.release()

    def _acquired(self, lock: FileLock) -> bool:
        """Whether the lock was free within a second."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=_LOOK_UP_SECONDS)
        except Timeout:
            return False
        except OSError as error:
            raise MachineError(f"cannot write to '{self.path}': {error.strerror or error}") from error
        return True

    def read_encoder(self) -> dict[str, Tensor] | None:
        """What :meth:`write_encoder` wrote; None if there is nothing.

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
            raise CheckpointError(f"{self.encoder}: cannot be read: {error}") from error
        if weights_digest(weights) != digest:
            raise CheckpointError(f"{self.encoder}: the checksum does not fit; the file is damaged")
        return weights

    def write_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Keep the trained encoder; the checkpoint has served its purpose.

        Raises:
            MachineError: if the disk does not take it, as with all that is written here.
        """
        metadata = {"format": "pt", "sha256": weights_digest(weights)}
        write_atomically(self.encoder, safetensors.torch.save(dict(weights), metadata=metadata))
        flush_folder(self.path)
        self.checkpoint.unlink(missing_ok=True)

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """What the folder's key was made from, and how the loss fell; for people, and for search.clean."""
        write_atomically(self.facts, (json.dumps(facts, indent=2) + "\n").encode())

    def read_checkpoint(self) -> dict[str, Any] | None:
        """What :meth:`write_checkpoint` wrote last; None if there is nothing.

        Raises:
            CheckpointError: if it is damaged.
        """
        return load_checkpoint(self.checkpoint) if self.checkpoint.exists() else None

    def write_checkpoint(self, state: dict[str, Any]) -> None:
        """Keep the state of a stage that is under way."""
        save_checkpoint(self.checkpoint, state)

"""The contract between a head's outputs, its loss and its predictions."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

__all__ = ["TaskLoss"]


class TaskLoss(Protocol):
    """What a head's outputs mean."""

    @property
    def outputs(self) -> int:
        """How many numbers the head gives for an example, C."""
        ...

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """Mean loss of a batch: outputs (B, C), gold (B,) -> ()."""
        ...

    def predict(self, outputs: Tensor) -> Tensor:
        """Outputs (B, C) -> class probabilities (B, K) for classes, scores (B,) for scores."""
        ...

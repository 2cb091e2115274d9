"""The contract between a head's outputs, its loss and its predictions."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor

__all__ = ["TaskLoss"]


class TaskLoss(Protocol):
    """What a head's outputs mean."""

    @property
    def outputs(self) -> int:
        """How many numbers the head gives for an example, C."""
        ...

    def prepare(self, gold: np.ndarray) -> None:
        """Once, before training: learn what the loss needs from the labels (N,) of all training examples."""
        ...

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """Mean loss of a batch: outputs (B, C), gold (B,) -> ()."""
        ...

    def predict(self, outputs: Tensor) -> Tensor:
        """Outputs (B, C) -> class probabilities (B, K) for classes, scores (B,) for scores."""
        ...

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """How far two outputs (B, C) for the same examples are apart, mean over the batch, at least 0: () .

        Symmetric KL divergence of the class probabilities (the sum of both directions), or the squared difference of
        the scores in score units. Gradients flow through both.
        """
        ...

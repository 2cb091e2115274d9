"""Cross-entropy over classes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["CrossEntropy"]


class CrossEntropy:
    """-log softmax(z)[gold], mean over the batch.

    Args:
        classes: number of classes, K >= 2.
    """

    def __init__(self, classes: int) -> None:
        self.outputs = classes

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """(B, K), class indices (B,) -> ()."""
        return F.cross_entropy(outputs, gold)

    def predict(self, outputs: Tensor) -> Tensor:
        """(B, K) -> probabilities (B, K)."""
        return outputs.softmax(dim=-1)

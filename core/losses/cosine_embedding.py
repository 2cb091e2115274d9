"""Cosine embedding loss, for pairs with two classes whose cosine is the output."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["CosineEmbedding"]


class CosineEmbedding:
    """1 - cos for pairs of the second class, max(0, cos - margin) for those of the first, mean over the batch.

    Args:
        margin: pairs of the first class below it cost nothing, -1 <= margin < 1.
        threshold: above this cosine the second class is predicted, -1 < threshold < 1.
    """

    outputs = 1

    def __init__(self, margin: float, threshold: float) -> None:
        self._margin, self._threshold = margin, threshold

    def prepare(self, gold: np.ndarray) -> None:
        """Nothing depends on the training labels."""

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """Cosines (B, 1), class indices 0 or 1 (B,) -> ()."""
        cosines = outputs.squeeze(-1)
        return torch.where(gold == 1, 1 - cosines, (cosines - self._margin).relu()).mean()

    def predict(self, outputs: Tensor) -> Tensor:
        """Cosines (B, 1) -> probabilities of both classes (B, 2).

        The loss does not define probabilities. Here, the probability of the second class rises linearly from 0 at
        cosine -1 to 1/2 at the threshold, and from there to 1 at cosine 1: pairs keep their order, and no sharpness has
        to be chosen.
        """
        above = outputs - self._threshold
        share = torch.where(above > 0, above / (1 - self._threshold), above / (1 + self._threshold))
        second = (0.5 + 0.5 * share).clamp(0.0, 1.0)  # rounding can take a cosine beyond 1
        return torch.cat([1 - second, second], dim=-1)

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Squared difference of the cosines, mean over the batch: (B, 1), (B, 1) -> ().

        The KL divergence of the probabilities is unsuitable: its gradient is unbounded where one of them is near 0, for
        the pairs that the model is most certain of.
        """
        return (outputs - others).square().mean()

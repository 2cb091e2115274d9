"""Cosine embedding loss, for pairs of two classes whose cosine is the output."""

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

        The loss says nothing of probabilities. That of the second class is a line from 0 at cosine -1 to 1/2 at the
        threshold and another to 1 at cosine 1: pairs keep their order, and no sharpness has to be chosen.
        """
        above = outputs - self._threshold
        share = torch.where(above > 0, above / (1 - self._threshold), above / (1 + self._threshold))
        second = (0.5 + 0.5 * share).clamp(0.0, 1.0)  # a cosine can be beyond 1 by its rounding
        return torch.cat([1 - second, second], dim=-1)

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Squared difference of the cosines, mean over the batch: (B, 1), (B, 1) -> ().

        Not the KL divergence of the probabilities, which are made for predicting: its gradient has no bound where
        one of them is near 0, for the pairs that the model is surest of.
        """
        return (outputs - others).square().mean()

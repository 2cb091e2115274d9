"""Binary cross-entropy on one logit: of two classes, or of a score as a probability."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.score_reading import ScoreReading

__all__ = ["BinaryCrossEntropy", "soft_cross_entropy"]


class BinaryCrossEntropy:
    """-[y log s(z) + (1 - y) log(1 - s(z))] with s the sigmoid, mean over the batch."""

    outputs = 1

    def prepare(self, gold: np.ndarray) -> None:
        """Nothing depends on the training labels."""

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """(B, 1), class indices 0 or 1 (B,) -> ()."""
        return F.binary_cross_entropy_with_logits(outputs.squeeze(-1), gold.to(outputs.dtype))

    def predict(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> probabilities of both classes (B, 2)."""
        return torch.cat([(-outputs).sigmoid(), outputs.sigmoid()], dim=-1)

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Symmetric KL of the two classes: (B, 1), (B, 1) -> ().

        For probabilities p = s(z) and q = s(z') both directions together are (p - q) (z - z').
        """
        return ((outputs.sigmoid() - others.sigmoid()) * (outputs - others)).mean()


def soft_cross_entropy(reading: ScoreReading, outputs: Tensor, gold: Tensor) -> Tensor:
    """-[y log s(z) + (1 - y) log(1 - s(z))], mean over the batch: logits z (B, 1), scores (B,) -> ().

    y is the place of the gold score in its range, 0 to 1.
    """
    places = (gold - reading.low) / (reading.high - reading.low)
    return F.binary_cross_entropy_with_logits(outputs.squeeze(-1), places)

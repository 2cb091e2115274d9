"""Contrast sentences within a batch: each should be closest to its own partner."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.model.bert import BertConfig
from core.model.pooling import POOLINGS
from core.pretraining.objectives.objective import StageEncoder, StageObjective
from data.batching import Batch

__all__ = ["SentenceContrast", "in_batch_contrast"]


def in_batch_contrast(anchors: Tensor, candidates: Tensor, scale: float) -> Tensor:
    """Compute -log of exp(s cos(a_i, c_i)) / sum_j exp(s cos(a_i, c_j)), mean over the anchors.

    This is SimCSE's loss (arXiv:2104.08821, equations 4 and 5, with s = 1 / tau), and that of MNRL (arXiv:1705.00652,
    section 4.4) with cosines instead of dot products.

    Args:
        anchors: (B, H).
        candidates: the partner of every anchor, then hard negatives if any, (M, H) with M >= B.
        scale: s, above 0.
    """
    # Zero vectors have no direction: their cosines count as 0.
    cosines = F.normalize(anchors, dim=-1) @ F.normalize(candidates, dim=-1).T  # (B, M)
    return F.cross_entropy(scale * cosines, torch.arange(len(anchors), device=anchors.device))


class SentenceContrast(StageObjective):
    """The objective :func:`in_batch_contrast` of an example's first row with the other rows of the batch.

    All rows go through one forward pass in train mode, so that two rows of the same sentence differ by their dropout.

    Args:
        shape: architecture of the encoder.
        pooling: how a row becomes a vector.
        scale: factor of the cosines.
        projection: whether a linear layer with tanh, as in BERT's pooler, follows the pooling.
        generator: draws the linear layer.
    """

    def __init__(
        self, shape: BertConfig, pooling: str, scale: float, projection: bool, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._pool, self._scale = POOLINGS[pooling], scale
        self.projection = nn.Sequential()
        if projection:
            layer = nn.Linear(shape.hidden_size, shape.hidden_size)
            nn.init.normal_(layer.weight, std=shape.initializer_range, generator=generator)
            nn.init.zeros_(layer.bias)
            self.projection = nn.Sequential(layer, nn.Tanh())

    def loss(self, encoder: StageEncoder, batch: Batch, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        """Return the mean loss over examples of 2 rows (anchor, positive) or 3 (with a hard negative)."""
        vectors = self.projection(self._pool(encoder.bert, encoder(batch)))  # (K B, H)
        return in_batch_contrast(vectors[: len(batch)], vectors[len(batch) :], self._scale)

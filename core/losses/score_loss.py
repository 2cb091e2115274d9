"""Losses of score tasks: a way to read outputs as scores, and a criterion to minimise."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from core.losses.score_reading import ScoreReading

__all__ = ["ScoreCriterion", "ScoreLoss"]


class ScoreCriterion(Protocol):
    """A criterion that is minimised."""

    def __call__(self, reading: ScoreReading, outputs: Tensor, gold: Tensor, /) -> Tensor:
        """Outputs (B, 1) as ``reading`` reads them, gold scores (B,) of the same dtype -> ()."""
        ...


class ScoreLoss:
    """A criterion on the scores that a reading makes of one output.

    Args:
        reading: outputs to scores.
        criterion: what is minimised.
    """

    outputs = 1

    def __init__(self, reading: ScoreReading, criterion: ScoreCriterion) -> None:
        self._reading, self._criterion = reading, criterion

    def prepare(self, gold: np.ndarray) -> None:
        """Nothing depends on the training labels."""

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """(B, 1), scores (B,) -> (); half-precision outputs are compared in the precision of the gold scores."""
        precise = torch.promote_types(outputs.dtype, gold.dtype)
        return self._criterion(self._reading, outputs.to(precise), gold.to(precise))

    def predict(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> scores (B,), within the range."""
        return self._reading.predictions(outputs)

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Squared difference of the scores, mean over the batch, in squared score units: (B, 1), (B, 1) -> ()."""
        return (self._reading.scores(outputs) - self._reading.scores(others)).square().mean()

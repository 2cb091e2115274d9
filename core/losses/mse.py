"""Mean squared error of a score."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from core.losses.score_reading import ScoreReading

__all__ = ["mean_squared_error"]


def mean_squared_error(reading: ScoreReading, outputs: Tensor, gold: Tensor) -> Tensor:
    """(score - gold)^2, mean over the batch, in squared score units: outputs (B, 1), scores (B,) -> ()."""
    return F.mse_loss(reading.scores(outputs), gold)

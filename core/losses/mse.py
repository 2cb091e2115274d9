"""Mean squared error of a score that a sigmoid keeps in its range."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["ScaledMeanSquaredError"]


class ScaledMeanSquaredError:
    """(low + (high - low) s(z) - gold)^2, mean over the batch; for sts s(z) * 5.

    Args:
        low: lowest gold score.
        high: highest gold score, above low.
    """

    outputs = 1

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """(B, 1), scores (B,) -> (), in squared score units."""
        return F.mse_loss(self.predict(outputs), gold.to(outputs.dtype))

    def predict(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> scores (B,)."""
        return self._low + (self._high - self._low) * outputs.squeeze(-1).sigmoid()

"""CoSENT: penalise pairs of examples whose similarities are in the wrong order."""

from __future__ import annotations

import torch
from torch import Tensor

from core.losses.score_reading import ScoreReading

__all__ = ["CoSent"]


class CoSent:
    """log(1 + sum over y_i < y_j of exp(scale (s_i - s_j))), with s the similarities of the batch's examples.

    Su, "CoSENT" (kexue.fm/archives/8847, 2022). It uses only the order of the scores, which suits Spearman's rather
    than Pearson's correlation; an additional MSE or Pearson loss preserves the distances.

    Args:
        scale: of the differences of similarities, above 0; 20 in the source.
    """

    def __init__(self, scale: float) -> None:
        self._scale = scale

    def __call__(self, reading: ScoreReading, outputs: Tensor, gold: Tensor) -> Tensor:
        """Outputs (B, 1), scores (B,) -> (); 0 with a zero gradient where no two gold scores differ."""
        s = self._scale * reading.similarities(outputs)
        excess = s[:, None] - s[None, :]  # (B, B): how much more similar i is than j
        in_order = gold[:, None] < gold[None, :]
        # exp(-inf) is 0 in any precision; a large negative number instead would overflow in half precision.
        exponents = excess.masked_fill(~in_order, -torch.inf).flatten()
        return torch.cat([exponents.new_zeros(1), exponents]).logsumexp(dim=0)  # the 1 is exp(0)

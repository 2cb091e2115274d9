"""Add a second criterion to the first."""

from __future__ import annotations

from torch import Tensor

from core.losses.score_loss import ScoreCriterion
from core.losses.score_reading import ScoreReading

__all__ = ["WithAuxiliary"]


class WithAuxiliary:
    """main + weight * auxiliary, on the same outputs read the same way.

    Args:
        main: first criterion.
        auxiliary: second criterion.
        weight: of the auxiliary criterion, above 0.
    """

    def __init__(self, main: ScoreCriterion, auxiliary: ScoreCriterion, weight: float) -> None:
        self._main, self._auxiliary, self._weight = main, auxiliary, weight

    def __call__(self, reading: ScoreReading, outputs: Tensor, gold: Tensor) -> Tensor:
        """Outputs (B, 1), scores (B,) -> ()."""
        return self._main(reading, outputs, gold) + self._weight * self._auxiliary(reading, outputs, gold)

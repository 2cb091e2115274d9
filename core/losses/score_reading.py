"""How the output of a score task becomes a score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["ScoreReading", "read_as"]


@dataclass(frozen=True)
class ScoreReading:
    """Outputs (B, 1) as scores between low and high.

    Attributes:
        low: lowest gold score.
        high: highest gold score, above low.
        similarity: output -> what CoSENT compares: the cosine, or the place in the range.
        place: output -> place in the range, 0 (low) to 1 (high).
    """

    low: float
    high: float
    similarity: Callable[[Tensor], Tensor]
    place: Callable[[Tensor], Tensor]

    def similarities(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> (B,), from -1 to 1 for a cosine, from 0 to 1 otherwise."""
        return self.similarity(outputs.squeeze(-1))

    def scores(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> scores (B,)."""
        return self.low + (self.high - self.low) * self.place(outputs.squeeze(-1))


def _itself(cosines: Tensor) -> Tensor:
    return cosines


def _stretched(cosines: Tensor) -> Tensor:
    return (1 + cosines) / 2


# relu(cos) is the same for all cosines below 0, so CoSENT, which needs an order, compares the cosines themselves.
_READINGS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "sigmoid": (torch.sigmoid, torch.sigmoid),
    "cos": (_itself, _stretched),
    "relu-cos": (_itself, torch.relu),
}


def read_as(output: str, low: float, high: float) -> ScoreReading:
    """The reading of this name: ``sigmoid``, ``cos`` (stretched over the range) or ``relu-cos``."""
    return ScoreReading(low, high, *_READINGS[output])

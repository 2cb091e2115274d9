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
        is_raw: whether criteria compare the output itself with the gold score, instead of its place in the range.
    """

    low: float
    high: float
    similarity: Callable[[Tensor], Tensor]
    place: Callable[[Tensor], Tensor]
    is_raw: bool = False

    def similarities(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> (B,), from -1 to 1 for a cosine, from 0 to 1 otherwise."""
        return self.similarity(outputs.squeeze(-1))

    def scores(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> scores (B,) that criteria compare with the gold ones; raw ones may be outside the range."""
        return outputs.squeeze(-1) if self.is_raw else self._in_range(outputs)

    def predictions(self, outputs: Tensor) -> Tensor:
        """(B, 1) -> predicted scores (B,), within the range."""
        # A cosine can be beyond 1 by its rounding.
        return self._in_range(outputs).clamp(self.low, self.high)

    def _in_range(self, outputs: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * self.place(outputs.squeeze(-1))


def _itself(cosines: Tensor) -> Tensor:
    return cosines


def _stretched(cosines: Tensor) -> Tensor:
    return (1 + cosines) / 2


# relu(cos) is the same for all cosines below 0, so CoSENT, which needs an order, compares the cosines themselves.
_READINGS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], bool]] = {
    "sigmoid": (torch.sigmoid, torch.sigmoid, False),
    "cos": (_itself, _stretched, False),
    "relu-cos": (_itself, torch.relu, False),
    "raw-cos": (_itself, _stretched, True),
}


def read_as(output: str, low: float, high: float) -> ScoreReading:
    """Return the reading of this name.

    ``sigmoid`` and ``relu-cos`` are scaled to the range, ``cos`` is stretched over it. ``linear`` is the score itself,
    and cut off at the range in predictions. ``raw-cos`` compares the cosine with the gold score; its predictions are
    those of ``cos``, which have the same correlations.
    """
    if output == "linear":

        def place(numbers: Tensor) -> Tensor:
            return (numbers - low) / (high - low)

        return ScoreReading(low, high, place, place, is_raw=True)
    return ScoreReading(low, high, *_READINGS[output])

"""Predict scores as classes at even steps."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.losses.cross_entropy import CrossEntropy

__all__ = ["ScoreClasses"]


class ScoreClasses:
    """Cross-entropy over K scores low, low + step, ..., high; a gold score counts as the nearest of them.

    A gold score half-way between two classes goes to the higher one, so that all classes but the outermost cover
    equally wide parts of the range; rounding halves to even would make every second class wider at both ends.

    Args:
        low: score of the first class.
        high: score of the last class, above low.
        score_from: a prediction is the mean of the class scores under the probabilities (``expected``), or the score
            of the most probable class (``argmax``).
        cross_entropy: over the K classes.
        squared_divergence: compare two outputs by their expected scores instead of their class probabilities.
    """

    def __init__(
        self,
        low: float,
        high: float,
        score_from: Literal["expected", "argmax"],
        cross_entropy: CrossEntropy,
        squared_divergence: bool = False,
    ) -> None:
        self.outputs = cross_entropy.outputs
        self._low, self._high = low, high
        self._step = (high - low) / (self.outputs - 1)
        self._score_from = score_from
        self._cross_entropy = cross_entropy
        self._squared_divergence = squared_divergence

    def prepare(self, gold: np.ndarray) -> None:
        """Scores (N,) of all training examples -> the weights of the classes."""
        self._cross_entropy.prepare(self.nearest(torch.as_tensor(gold)).numpy())

    def nearest(self, gold: Tensor) -> Tensor:
        """Scores (B,) -> indices of the nearest classes (B,), int64."""
        return ((gold - self._low) / self._step + 0.5).floor().long().clamp(0, self.outputs - 1)

    def loss(self, outputs: Tensor, gold: Tensor) -> Tensor:
        """(B, K), scores (B,) -> ()."""
        return self._cross_entropy.loss(outputs, self.nearest(gold))

    def predict(self, outputs: Tensor) -> Tensor:
        """(B, K) -> scores (B,)."""
        if self._score_from == "argmax":
            return self._steps(outputs)[outputs.argmax(dim=-1)]
        return self._expected(outputs)

    def _steps(self, outputs: Tensor) -> Tensor:
        """Return the scores of the classes, (K,)."""
        return torch.linspace(self._low, self._high, self.outputs, dtype=outputs.dtype, device=outputs.device)

    def _expected(self, outputs: Tensor) -> Tensor:
        return (outputs.softmax(dim=-1) * self._steps(outputs)).sum(dim=-1)

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Symmetric KL of the class probabilities, or squared difference of the expected scores: (B, K) each -> ()."""
        if self._squared_divergence:
            return (self._expected(outputs) - self._expected(others)).square().mean()
        return self._cross_entropy.divergence(outputs, others)

"""Draw from a space without Optuna, to try it out before a study starts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["RandomDraws"]


class RandomDraws:
    """Answers like a trial of Optuna's random sampler: a :class:`search.space.distribution.Suggester`.

    Args:
        rng: draws what is not fixed.
        fixed: answers by name that are given in advance, whatever the range.

    Attributes:
        params: what was drawn so far, by name.
    """

    def __init__(self, rng: np.random.Generator, fixed: Mapping[str, Any] | None = None) -> None:
        self._rng = rng
        self._fixed = fixed or {}
        self.params: dict[str, Any] = {}

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Draw uniformly from the range, from its steps, or in the logarithm."""
        if name in self._fixed:
            value: float = self._fixed[name]
        elif step is not None:
            value = min(low + step * int(self._rng.integers(round((high - low) / step) + 1)), high)
        elif log:
            # exp(log(x)) may miss x by a rounding.
            value = min(max(math.exp(self._rng.uniform(math.log(low), math.log(high))), low), high)
        else:
            value = float(self._rng.uniform(low, high))
        self.params[name] = value
        return value

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Draw uniformly from the range's steps, or in the logarithm."""
        if name in self._fixed:
            value: int = self._fixed[name]
        elif log:
            value = min(max(round(math.exp(self._rng.uniform(math.log(low - 0.5), math.log(high + 0.5)))), low), high)
        else:
            value = low + step * int(self._rng.integers((high - low) // step + 1))
        self.params[name] = value
        return value

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Draw one of the choices, each equally likely."""
        fixed = name in self._fixed
        self.params[name] = self._fixed[name] if fixed else choices[int(self._rng.integers(len(choices)))]
        return self.params[name]

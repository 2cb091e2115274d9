"""Weight losses by given weights, which may fall with the virtual epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from core.config import RunConfig
from core.run.progress import Progress

__all__ = ["TAPERS", "FixedWeights"]

# Factor of a weight at virtual epoch E = 0, 1, ...
TAPERS: dict[str, Callable[[int], float]] = {
    "constant": lambda _: 1.0,
    "inverse": lambda epoch: 1.0 / (epoch + 1),
    "log": lambda epoch: 1.0 / (math.log(epoch + 1) + 1.0),
}


class FixedWeights:
    """Weighted losses w_i t_i(E) L_i: weights of mean 1 over the tasks, times a taper by virtual epoch.

    Args:
        config: the run, with weights and tapers of every task.
    """

    parameters: Sequence[nn.Parameter] = ()

    def __init__(self, config: RunConfig) -> None:
        self._weights = {task: config.loss_weight(task) for task in config.tasks}
        self._tapers = {task: TAPERS[config.loss.taper[task]] for task in config.tasks}

    def weigh(self, task: str, loss: Tensor, progress: Progress) -> Tensor:
        """Return the weighted loss ()."""
        return self._weight(task, progress) * loss

    def current(self, progress: Progress) -> dict[str, float]:
        """Return w_i t_i(E) by task."""
        return {task: self._weight(task, progress) for task in self._weights}

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: there is no state."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing: there is no state."""

    def _weight(self, task: str, progress: Progress) -> float:
        return self._weights[task] * self._tapers[task](progress.epoch)

"""The contract of a loss weighting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from core.run.progress import Progress

__all__ = ["LossWeighting"]


class LossWeighting(Protocol):
    """How much each task's loss counts in an update."""

    @property
    def parameters(self) -> Sequence[nn.Parameter]:
        """What is learned along with the model; empty where nothing is. The optimiser is built from these."""
        ...

    def weigh(self, task: str, loss: Tensor, progress: Progress) -> Tensor:
        """The mean loss () of a batch of the task, as it enters the sum of the update."""
        ...

    def current(self, progress: Progress) -> dict[str, float]:
        """What every task's loss is multiplied by at this position; for people to read, nothing is computed from it."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What changes while training."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        ...

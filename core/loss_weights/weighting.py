"""Define the interface of a loss weighting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from core.run.progress import Progress

__all__ = ["LossWeighting"]


class LossWeighting(Protocol):
    """A way to weight the tasks' losses in an update."""

    @property
    def parameters(self) -> Sequence[nn.Parameter]:
        """Return the parameters that are learned along with the model, for the optimiser; empty if there are none."""
        ...

    def weigh(self, task: str, loss: Tensor, progress: Progress) -> Tensor:
        """Return the mean loss () of a batch of the task as it enters the sum of the update."""
        ...

    def current(self, progress: Progress) -> dict[str, float]:
        """Return the factor of every task's loss at this position, for display only."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the state that changes during training."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        ...

"""Define the interface of a gradient rule."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

__all__ = ["GradientRule"]


class GradientRule(Protocol):
    """A way to combine the gradients of an update's task losses.

    For every update the trainer calls :meth:`add` once for each batch and then :meth:`combine`.
    """

    def add(self, task: str, loss: Tensor) -> None:
        """Add the weighted loss () of one batch of the task; its graph may be freed."""
        ...

    def combine(self, step: int) -> None:
        """Write the combined gradient to the parameters' ``grad``.

        Args:
            step: number of updates before this one; with the seed it determines all random numbers.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the state that is kept from one update to the next."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        ...

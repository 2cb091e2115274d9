"""The contract of a gradient rule."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

__all__ = ["GradientRule"]


class GradientRule(Protocol):
    """How the gradients of an update's task losses become one.

    For every update the trainer calls :meth:`add` once for each batch and then :meth:`combine`.
    """

    def add(self, task: str, loss: Tensor) -> None:
        """Take in the weighted loss () of one batch of the task; its graph may be freed."""
        ...

    def combine(self, step: int) -> None:
        """Leave the combined gradient in the parameters' ``grad``.

        Args:
            step: updates before this one; with the seed it decides whatever is random.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """What is remembered from one update to the next."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        ...

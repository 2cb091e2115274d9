"""How the gradients of a step's task losses become one."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

__all__ = ["GradientRule", "SummedGradients"]


class GradientRule(Protocol):
    """Called once for each task of a step, then once to leave the combined gradient in the parameters."""

    def add(self, task: str, loss: Tensor) -> None:
        """Take in the weighted loss () of one task; its graph may be freed."""
        ...

    def combine(self) -> None:
        """Leave the combined gradient in the parameters' ``grad``."""
        ...


class SummedGradients:
    """The gradient of the sum of the losses."""

    def add(self, task: str, loss: Tensor) -> None:  # noqa: ARG002
        """Accumulate at once: the graph of one task at a time is in memory."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch has not annotated it

    def combine(self) -> None:
        """Nothing is left to do."""

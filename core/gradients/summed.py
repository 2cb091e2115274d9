"""Sum the gradients, the baseline for all other rules (arXiv:2201.04122)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

__all__ = ["SummedGradients"]


class SummedGradients:
    """The gradient of the sum of the losses."""

    def add(self, task: str, loss: Tensor) -> None:  # noqa: ARG002
        """Run the backward pass immediately, so that only one batch's graph is in memory."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch has not annotated it

    def combine(self, step: int) -> None:
        """Do nothing: the gradients have been summed already."""

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: there is no state."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing: there is no state."""

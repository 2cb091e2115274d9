"""The plain sum, which any other rule has to beat (arXiv:2201.04122)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

__all__ = ["SummedGradients"]


class SummedGradients:
    """The gradient of the sum of the losses."""

    def add(self, task: str, loss: Tensor) -> None:  # noqa: ARG002
        """Accumulate at once: the graph of one batch at a time is in memory."""
        loss.backward()  # type: ignore[no-untyped-call]  # torch has not annotated it

    def combine(self, step: int) -> None:
        """Nothing is left to do."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing is remembered."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing is remembered."""

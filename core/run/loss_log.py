"""Collect the training losses since the last rung, and detect those that are NaN or infinite."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from core.run.errors import DivergedError

__all__ = ["LossLog"]

# On an accelerator, reading a loss waits for the step to end, so losses are read in groups.
_READ_EVERY = 16


class LossLog:
    """Sums of each task's unweighted losses, in float64."""

    def __init__(self) -> None:
        self._pending: list[tuple[int, str, Tensor]] = []
        self._sums: dict[str, list[float]] = {}

    def add(self, step: int, task: str, loss: Tensor) -> None:
        """Record one step's loss.

        Raises:
            DivergedError: if this loss, or one of the few before it, is NaN or infinite.
        """
        self._pending.append((step, task, loss.detach()))
        if len(self._pending) >= _READ_EVERY:
            self.read()

    def read(self) -> None:
        """Check and sum up the pending losses; call it before anything of the run is stored."""
        if not self._pending:
            return
        values = torch.stack([loss for _, _, loss in self._pending]).tolist()
        for (step, task, _), value in zip(self._pending, values, strict=True):
            if not math.isfinite(value):
                raise DivergedError(f"the {task} loss was {value} at step {step}; try a lower learning rate")
            total = self._sums.setdefault(task, [0.0, 0.0])
            total[0] += value
            total[1] += 1
        self._pending.clear()

    def means(self) -> dict[str, float]:
        """Return the mean loss per task since the last :meth:`clear`."""
        return {task: total / count for task, (total, count) in self._sums.items()}

    def clear(self) -> None:
        """Begin a new interval."""
        self._sums.clear()

    def state_dict(self) -> dict[str, Any]:
        """Return the sums, with all pending losses read."""
        self.read()
        return {task: list(sums) for task, sums in self._sums.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self._sums = {task: list(sums) for task, sums in state.items()}

"""Take the tasks in turn, until the largest ends."""

from __future__ import annotations

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["RoundRobin"]


class RoundRobin(BatchOrder):
    """Turn t is task t mod T of T; small tasks restart while the largest continues (``contrastive``, "full").

    Every task gets the same number of batches, whatever its size.

    Args:
        tasks: tasks in the order of their turns.
    """

    def __init__(self, tasks: tuple[str, ...]) -> None:
        self._tasks = tasks

    def next(self, progress: Progress) -> tuple[str, ...]:
        """Return one task."""
        return (self._tasks[progress.step % len(self._tasks)],)

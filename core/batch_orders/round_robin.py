"""The tasks in turn, over the longest of them."""

from __future__ import annotations

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["RoundRobin"]


class RoundRobin(BatchOrder):
    """Turn t is task t mod T of T: small tasks start again while the longest goes on (``contrastive``, "full").

    Every task gets the same number of batches, whatever its size.

    Args:
        tasks: in the order of their turns.
    """

    def __init__(self, tasks: tuple[str, ...]) -> None:
        self._tasks = tasks

    def next(self, progress: Progress) -> tuple[str, ...]:
        """One task."""
        return (self._tasks[progress.step % len(self._tasks)],)

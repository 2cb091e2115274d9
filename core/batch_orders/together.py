"""Train all tasks in every turn."""

from __future__ import annotations

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["Together"]


class Together(BatchOrder):
    """A batch of every task in each turn, each of its own size (``tasks.TASK.batch_size``), with summed losses.

    With batch sizes in proportion to the tasks' sizes, the tasks end their passes together.

    Args:
        tasks: tasks in the order in which their losses are added.
    """

    def __init__(self, tasks: tuple[str, ...]) -> None:
        self._tasks = tasks

    def next(self, progress: Progress) -> tuple[str, ...]:  # noqa: ARG002
        """Return every task."""
        return self._tasks

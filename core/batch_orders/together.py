"""All tasks at once."""

from __future__ import annotations

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["Together"]


class Together(BatchOrder):
    """A batch of every task each turn, each of its own size (``tasks.TASK.batch_size``), their losses summed.

    With batch sizes in proportion to the sets, the tasks end their passes together.

    Args:
        tasks: in the order in which their losses are added.
    """

    def __init__(self, tasks: tuple[str, ...]) -> None:
        self._tasks = tasks

    def next(self, progress: Progress) -> tuple[str, ...]:  # noqa: ARG002
        """Every task."""
        return self._tasks

"""Take the tasks in turn, until the smallest ends."""

from __future__ import annotations

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["RoundRobinTruncated"]


class RoundRobinTruncated(BatchOrder):
    """Turn t is task t mod T; after R = min_i floor(N_i / b_i) rounds, all tasks are reshuffled (``contrastive``).

    An epoch is R rounds (at least 1), the number of whole batches of the smallest task. The larger tasks then skip the
    rest of their pass, so that over many epochs the examples of a large task are seen at random, not in turn.

    Args:
        sizes: training examples per task, N_i, in the order of their turns.
        batch_sizes: examples in a batch of each task, b_i.
    """

    def __init__(self, sizes: dict[str, int], batch_sizes: dict[str, int]) -> None:
        self._tasks = tuple(sizes)
        rounds = max(1, min(size // batch_sizes[task] for task, size in sizes.items()))
        self._turns = rounds * len(sizes)  # of an epoch

    def next(self, progress: Progress) -> tuple[str, ...]:
        """Return one task."""
        return (self._tasks[progress.step % len(self._tasks)],)

    def restarts(self, progress: Progress) -> bool:
        """Return whether the next turn is the first of an epoch other than the first, where nothing was used yet."""
        return progress.step > 0 and progress.step % self._turns == 0

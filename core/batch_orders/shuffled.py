"""Shuffle the batches of all tasks together."""

from __future__ import annotations

import numpy as np

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["Shuffled"]


class Shuffled(BatchOrder):
    """Pass k is a permutation, drawn from (seed, k), of the ceil(N_i / b_i) batches of every task (``cooking``).

    Tasks are drawn by size, p_i ~ N_i / b_i, but without replacement: after a pass each task has had exactly its share.
    If N_i is not a multiple of b_i, the last batch is filled from the task's next shuffle, so that batches are whole
    and no example is left out.

    Args:
        sizes: training examples per task, N_i.
        batch_sizes: examples per batch of each task, b_i.
        seed: seed of the run.
    """

    def __init__(self, sizes: dict[str, int], batch_sizes: dict[str, int], seed: int) -> None:
        self._tasks, self._seed = tuple(sizes), seed
        counts = [-(-size // batch_sizes[task]) for task, size in sizes.items()]
        self._batches = np.repeat(np.arange(len(sizes)), counts)  # (batches of a pass,), the task of each
        self._cached = -1, self._batches  # the pass used last; only a cache

    def next(self, progress: Progress) -> tuple[str, ...]:
        """Return one task."""
        number, turn = divmod(progress.step, len(self._batches))
        return (self._tasks[self._pass(number)[turn]],)

    def _pass(self, number: int) -> np.ndarray:
        if self._cached[0] != number:
            self._cached = number, np.random.default_rng([self._seed, number]).permutation(self._batches)
        return self._cached[1]

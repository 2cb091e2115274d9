"""The batches of all tasks shuffled together."""

from __future__ import annotations

import numpy as np

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["Shuffled"]


class Shuffled(BatchOrder):
    """Pass k is a permutation, drawn from (seed, k), of the ceil(N_i / b_i) batches of every task (``cooking``).

    By size as ``proportional`` with alpha = 1, p_i ~ N_i / b_i, but drawn without replacement: after a pass each task
    has had exactly its share. The last batch of a set that does not divide by b_i is filled from its next shuffle, so
    that batches are whole and no example is left out.

    Args:
        sizes: training examples per task, N_i.
        batch_sizes: examples in a batch of each task, b_i.
        seed: of the run.
    """

    def __init__(self, sizes: dict[str, int], batch_sizes: dict[str, int], seed: int) -> None:
        self._tasks, self._seed = tuple(sizes), seed
        counts = [-(-size // batch_sizes[task]) for task, size in sizes.items()]
        self._batches = np.repeat(np.arange(len(sizes)), counts)  # (batches of a pass,), the task of each
        self._cached = -1, self._batches  # the pass last asked for; a cache only, drawn again when another is wanted

    def next(self, progress: Progress) -> tuple[str, ...]:
        """One task."""
        number, turn = divmod(progress.step, len(self._batches))
        return (self._tasks[self._pass(number)[turn]],)

    def _pass(self, number: int) -> np.ndarray:
        if self._cached[0] != number:
            self._cached = number, np.random.default_rng([self._seed, number]).permutation(self._batches)
        return self._cached[1]

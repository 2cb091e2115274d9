"""Train one task after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["TaskSequence", "proportional_shares"]


class TaskSequence(BatchOrder):
    """Within every virtual epoch, all of task 1's share, then all of task 2's, ... (``contrastive``, ``sequence``).

    An epoch's planned / E examples are divided in proportion to N_i. The next turn belongs to the task in whose share
    the number of examples seen so far falls. A batch may therefore exceed its share by less than one batch; the excess
    is taken from the next share, not added to the epoch.

    A share smaller than a batch could be skipped in every epoch. Each share is therefore at least one batch of the task
    before it, which is the most that task can exceed its share by, so that every task has a turn in every epoch. The
    other shares shrink in proportion. Only if an epoch is too short for a batch of every task are some tasks left out;
    the shares are then in proportion to those batches.

    Args:
        sizes: training examples per task, N_i, in the order of the tasks.
        batch_sizes: examples per batch of each task, b_i.
    """

    def __init__(self, sizes: dict[str, int], batch_sizes: dict[str, int]) -> None:
        self._tasks = tuple(sizes)
        self._sizes = tuple(sizes.values())
        batches = [batch_sizes[task] for task in sizes]
        self._least = tuple(batches[-1:] + batches[:-1])  # a batch of the task before; the first follows the last

    def next(self, progress: Progress) -> tuple[str, ...]:
        """Return one task."""
        # In units of 1 / E example everything is exact: an epoch has ``planned`` units.
        position = progress.examples * progress.epochs % progress.planned
        least = [batch * progress.epochs for batch in self._least]
        ends = list(accumulate(proportional_shares(progress.planned, self._sizes, least)))
        return (self._tasks[bisect_right(ends, position)],)


def proportional_shares(total: int, weights: Sequence[int], least: Sequence[int]) -> list[Fraction]:
    """Divide ``total`` in proportion to the weights, subject to a minimum for each share.

    Args:
        total: at least 1; if the minimums exceed it, it is divided in proportion to them.
        weights: at least 1 each.
        least: the minimums, at least 0 each.
    """
    if sum(least) >= total:
        return [Fraction(total * one, sum(least)) for one in least]
    raised: set[int] = set()  # shares raised to their minimum
    while True:
        rest = total - sum(least[i] for i in raised)
        weight = sum(w for i, w in enumerate(weights) if i not in raised)
        given = [Fraction(least[i]) if i in raised else Fraction(rest * w, weight) for i, w in enumerate(weights)]
        small = {i for i, share in enumerate(given) if share < least[i]}
        if not small:
            return given
        raised |= small

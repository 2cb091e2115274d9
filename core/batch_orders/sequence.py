"""One task after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

from core.batch_orders.order import BatchOrder
from core.run.progress import Progress

__all__ = ["TaskSequence", "proportional_shares"]


class TaskSequence(BatchOrder):
    """Within every virtual epoch first all of task 1's share, then task 2's, ... (``contrastive``, ``sequence``).

    An epoch's planned / E examples are divided in proportion to N_i. Whose share the examples seen so far end in is
    the task of the coming turn, so a batch may reach over the end of its share: by less than one batch, and what it
    takes is missing from the next share, not from the epoch.

    A share smaller than a batch could be jumped over in every epoch alike. So each share is at least one batch of the
    task before it, which is as far as that can reach: every task then has a turn in every epoch. The other shares
    shrink for it in proportion. Only where an epoch is too short for a batch of every task are some left out; the
    shares are then in proportion to those batches.

    Args:
        sizes: training examples per task, N_i, in the order of the tasks.
        batch_sizes: examples in a batch of each task, b_i.
    """

    def __init__(self, sizes: dict[str, int], batch_sizes: dict[str, int]) -> None:
        self._tasks = tuple(sizes)
        self._sizes = tuple(sizes.values())
        batches = [batch_sizes[task] for task in sizes]
        self._least = tuple(batches[-1:] + batches[:-1])  # of the task before; the first follows the last

    def next(self, progress: Progress) -> tuple[str, ...]:
        """One task."""
        # In units of 1 / E example, so that everything is exact: an epoch is ``planned`` long.
        position = progress.examples * progress.epochs % progress.planned
        least = [batch * progress.epochs for batch in self._least]
        ends = list(accumulate(proportional_shares(progress.planned, self._sizes, least)))
        return (self._tasks[bisect_right(ends, position)],)


def proportional_shares(total: int, weights: Sequence[int], least: Sequence[int]) -> list[Fraction]:
    """Divide ``total`` in proportion to the weights, but give none less than its least.

    Args:
        total: at least 1; where the least together exceed it, it is divided in proportion to them.
        weights: at least 1 each.
        least: at least 0 each.
    """
    if sum(least) >= total:
        return [Fraction(total * one, sum(least)) for one in least]
    raised: set[int] = set()  # those whose proportional share is too small
    while True:
        rest = total - sum(least[i] for i in raised)
        weight = sum(w for i, w in enumerate(weights) if i not in raised)
        given = [Fraction(least[i]) if i in raised else Fraction(rest * w, weight) for i, w in enumerate(weights)]
        small = {i for i, share in enumerate(given) if share < least[i]}
        if not small:
            return given
        raised |= small

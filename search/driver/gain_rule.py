"""Decide whether further trials are expected to help, from what the last doubling of the search's cost gained.

The next doubling costs as much as the whole search so far. It is expected to gain at most about as much as the last
one: with every doubling of n, the expected maximum of n i.i.d. scores grows by a constant if their tail is exponential
(H_2n - H_n of its scale, about ln 2), and by less and less if it is lighter (Gaussian) or bounded, as scores are. This
needs no model of the space, the sampler or the pruner: pruned trials count with their cost.

The gain of the last doubling is measured in two ways, and the larger one counts:

- The actual gain. By itself it depends on luck: with i.i.d. scores, the best is as likely to fall in either half, so
  half of all studies would stop at the first check.
- The average gain over all orders of the same trials, where each is in either half with probability 1/2: the sum over k
  of (x_k - x_{k+1}) / 2^k for scores x_1 >= x_2 >= .... For i.i.d. scores it has the same expectation and less
  variance. It does not notice that a sampler learns, which the actual gain does.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

__all__ = ["gain_of_last_doubling"]

_ORDER_STATISTICS = 30  # the 31st has a weight below 1e-9


def gain_of_last_doubling(history: Sequence[tuple[float, float | None]]) -> float:
    """Return what the second half of the cost added to the best score: the actual or the average gain, if that is more.

    It is infinite if there are fewer than two scores, or none in the first half of the cost.

    Args:
        history: (cost, score) of each trial, in the order in which they ended; the score is None for trials that cannot
            win, such as pruned ones. Trials without a cost, such as duplicates, are left out.
    """
    trials = [(cost, score) for cost, score in history if cost > 0]
    scores = [score for _, score in trials if score is not None]
    if len(scores) < 2:
        return math.inf
    return max(_actual_gain(trials), _average_gain(scores))


def _actual_gain(trials: Sequence[tuple[float, float | None]]) -> float:
    spent = list(accumulate(cost for cost, _ in trials))
    best = list(accumulate((-math.inf if score is None else score for _, score in trials), max))
    # A trial in the middle belongs to the second half, which may then gain more: if in doubt, the search continues.
    first_half = bisect_right(spent, spent[-1] / 2)
    return best[-1] - best[first_half - 1] if first_half else math.inf


def _average_gain(scores: Sequence[float]) -> float:
    highest = heapq.nlargest(_ORDER_STATISTICS + 1, scores)
    return math.fsum((x - below) / 2**k for k, (x, below) in enumerate(pairwise(highest), start=1))

"""Whether further trials are expected to help, told from what the last doubling of the search's cost brought.

The next doubling costs as much as all so far. It is expected to bring at most about what the last one brought: with
every doubling of n, the expected maximum of n scores drawn alike grows by a constant where their tail is exponential
(H_2n - H_n of its scale, about ln 2), and by less and less where it is lighter (Gaussian) or bounded, as scores are.
This takes no model of the space, of the sampler or of the pruner: pruned trials cost what they cost.

What the last doubling brought is told in two ways, and the larger one counts:

- What it brought in fact. By itself that is luck: whether the best of scores drawn alike is in the second half is the
  toss of a coin, and every other study would end at the first look.
- What it would have brought on average over all orders of the same trials, where each falls into either half with
  probability 1/2: the sum over k of (x_k - x_{k+1}) / 2^k for scores x_1 >= x_2 >= .... For scores drawn alike its
  expectation is the same, with less luck in it. It cannot see that a sampler learns; the first way can.
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
    """What the second half of the cost added to the best score: in fact, or on average over the trials' orders if more.

    Infinite as long as there are not two scores, or none in the first half of the cost.

    Args:
        history: (cost, score) of each trial, in the order in which they ended; the score is None for trials that cannot
            win, such as pruned ones. Trials without any cost, such as repeated ones, are left out.
    """
    trials = [(cost, score) for cost, score in history if cost > 0]
    scores = [score for _, score in trials if score is not None]
    if len(scores) < 2:
        return math.inf
    return max(_in_fact(trials), _over_orders(scores))


def _in_fact(trials: Sequence[tuple[float, float | None]]) -> float:
    spent = list(accumulate(cost for cost, _ in trials))
    best = list(accumulate((-math.inf if score is None else score for _, score in trials), max))
    # A trial in the middle belongs to the second half, which may then bring more: when in doubt, go on.
    first_half = bisect_right(spent, spent[-1] / 2)
    return best[-1] - best[first_half - 1] if first_half else math.inf


def _over_orders(scores: Sequence[float]) -> float:
    highest = heapq.nlargest(_ORDER_STATISTICS + 1, scores)
    return math.fsum((x - below) / 2**k for k, (x, below) in enumerate(pairwise(highest), start=1))

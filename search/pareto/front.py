"""Find the Pareto front of score and cost."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["pareto_front"]


def pareto_front(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """Return the positions that no other position dominates.

    One dominates another if it costs at most as much and scores at least as much, and is better in one of the two.
    Positions that are equal in both are all on the front.

    Args:
        costs: finite, the lower the better.
        scores: as many, finite, the higher the better.

    Returns:
        Positions in the two sequences, by rising cost, which is by rising score; equals in their order.
    """
    front: list[int] = []
    for position in sorted(range(len(costs)), key=lambda i: (costs[i], -scores[i], i)):
        last = front[-1] if front else None
        if last is None or scores[position] > scores[last] or _equal(position, last, costs, scores):
            front.append(position)
    return front


def _equal(one: int, other: int, costs: Sequence[float], scores: Sequence[float]) -> bool:
    return costs[one] == costs[other] and scores[one] == scores[other]

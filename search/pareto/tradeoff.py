"""The trade-off between a study's overall score and one of its costs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from data.errors import UserError

__all__ = ["Tradeoff", "cost_value", "pareto_front", "tradeoff"]


@dataclass(frozen=True)
class Tradeoff:
    """Trials that have both a score and the cost.

    Attributes:
        cost: a key of :data:`~search.pareto.costs.COSTS`.
        finished: rows of the trials that can be the best.
        pruned: rows of the pruned trials.
        front: the finished trials that no other one dominates, by rising cost.
    """

    cost: str
    finished: pd.DataFrame
    pruned: pd.DataFrame
    front: pd.DataFrame

    @property
    def is_constant(self) -> bool:
        """Whether all finished trials cost the same."""
        return bool(self.finished[self.cost].nunique() == 1)


def tradeoff(table: pd.DataFrame, contenders: Collection[int], cost: str) -> Tradeoff:
    """Collect scores and costs, and find the Pareto front.

    Only finished trials can be on the front. A pruned trial costs less because it was stopped, and its score is that of
    an early rung; its final score is unknown.

    Args:
        table: of all trials.
        contenders: numbers of the trials that can be the best.
        cost: a key of :data:`~search.pareto.costs.COSTS`.

    Raises:
        UserError: no finished trial has this cost.
    """
    known = table[table["overall"].notna() & table[cost].notna()]
    finished = known[known["trial"].isin(list(contenders))]
    if finished.empty:
        raise UserError(f"--cost {cost}: no finished trial has a recorded {cost} yet")
    front = pareto_front(finished[cost].astype(float).tolist(), finished["overall"].astype(float).tolist())
    return Tradeoff(cost, finished, known[known["state"] == "pruned"], finished.iloc[front])


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


def cost_value(value: float) -> str:
    """Write a cost with four digits or thousands separators: ``0.1234``, ``523.7``, ``109,482,240``."""
    return f"{value:.4g}" if value < 1000 else f"{value:,.0f}"


def _equal(one: int, other: int, costs: Sequence[float], scores: Sequence[float]) -> bool:
    return costs[one] == costs[other] and scores[one] == scores[other]

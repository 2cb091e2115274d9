"""Greedy ensemble selection (Caruana et al. 2004, "Ensemble Selection from Libraries of Models").

Members are added one at a time, each the one with which the ensemble scores best, with replacement (section 2.1), so
that a good one may count several times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.ensembles.averaging import average_tasks, from_summands, to_summands

__all__ = ["Predictions", "Score", "Selection", "select", "select_in_bags"]

Predictions = Mapping[str, np.ndarray]  # per task, class probabilities (N, K) or scores (N,)
Score = Callable[[Predictions], float]  # what is maximised, of the averaged predictions


@dataclass(frozen=True)
class Selection:
    """A chosen ensemble.

    Attributes:
        shares: of each member in the average, in the order they were given; 0 for those left out, sum 1.
        score: of the averaged predictions.
    """

    shares: tuple[float, ...]
    score: float


def select(members: Sequence[Predictions], score: Score, steps: int, start: int = 1) -> Selection:
    """The best ensemble on the greedy path; of equals the smaller one, and at every step the earlier member.

    The path may fall and rise again, so it is walked to its end. It begins at the best member alone: the chosen
    ensemble never scores below it.

    Args:
        members: each one's predictions, for the same tasks and examples.
        score: what is maximised; one set of members is chosen for all tasks that it looks at.
        steps: members of the longest ensemble on the path, those counted twice twice; at least 1.
        start: so many of the best members, or all if there are fewer, go in first (section 2.2); at least 1.

    Raises:
        ValueError: if there is no member, or steps or start is below 1.
    """
    _check(members, steps=steps, start=start)
    library = [{task: to_summands(values) for task, values in member.items()} for member in members]
    alone = [score(_mean(member, 1)) for member in library]
    first = sorted(range(len(library)), key=lambda number: (-alone[number], number))[:start]
    total: dict[str, np.ndarray] = {task: np.zeros_like(values) for task, values in library[0].items()}
    path: list[int] = []
    best_score, best_size = -np.inf, 1
    for size in range(1, steps + 1):
        # Sums are carried along, so a step costs the same however long the path is.
        candidates = [first[size - 1]] if size <= len(first) else range(len(library))
        scores = {number: score(_mean(_sum(total, library[number]), size)) for number in candidates}
        chosen = max(scores, key=lambda number: (scores[number], -number))
        path.append(chosen)
        total = _sum(total, library[chosen])
        if scores[chosen] > best_score:
            best_score, best_size = scores[chosen], size
    counts = np.bincount(path[:best_size], minlength=len(library))
    return Selection(tuple((counts / best_size).tolist()), best_score)


def select_in_bags(
    members: Sequence[Predictions],
    score: Score,
    steps: int,
    start: int = 1,
    *,
    bags: int,
    fraction: float = 0.5,
    rng: np.random.Generator,
) -> Selection:
    """The average of the ensembles that are chosen from random bags of members (section 2.3).

    A combination that suits the dev examples by chance is in few bags. The price: no longer is the ensemble sure to
    score as well as its best member on them.

    Args:
        members, score, steps, start: as for :func:`select`, in each bag.
        bags: how many; the paper has 20.
        fraction: of the members that are in a bag, above 0 and at most 1; the paper has 0.5.
        rng: draws the bags.

    Raises:
        ValueError: if a number is out of its range, or there is no member.
    """
    _check(members, steps=steps, start=start, bags=bags)
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must be above 0 and at most 1, got {fraction}")
    size = max(1, round(fraction * len(members)))
    shares = np.zeros(len(members))
    for _ in range(bags):
        bag = np.sort(rng.choice(len(members), size=size, replace=False))
        shares[bag] += np.array(select([members[number] for number in bag], score, steps, start).shares) / bags
    return Selection(tuple(shares.tolist()), score(average_tasks(members, shares.tolist())))


def _sum(total: Predictions, member: Predictions) -> dict[str, np.ndarray]:
    return {task: values + member[task] for task, values in total.items()}


def _mean(total: Predictions, size: int) -> dict[str, np.ndarray]:
    return {task: from_summands(values / size) for task, values in total.items()}


def _check(members: Sequence[Predictions], **counts: int) -> None:
    if not members:
        raise ValueError("there is no member to select from")
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")

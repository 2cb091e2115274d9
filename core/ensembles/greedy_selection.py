"""Greedy ensemble selection (Caruana et al. 2004, "Ensemble Selection from Libraries of Models").

Members are added one at a time, always the one with which the ensemble scores best, with replacement (section 2.1), so
that a good member may count several times.
"""

from __future__ import annotations

import numpy as np

from core.ensembles.selection_objective import SelectionObjective

__all__ = ["select", "select_in_bags"]

_EQUAL = 1e-12  # scores that differ by less are equal: the order of a sum has this much effect


def select(objective: SelectionObjective, steps: int, start: int = 1) -> np.ndarray:
    """Find the best ensemble on the greedy path.

    Ties go to the smaller ensemble and, at each step, to the earlier member. The path may fall and rise
    again, so it is walked to its end. It begins at the best member alone: the chosen ensemble never scores below it.

    Args:
        objective: the score to maximise, over its members.
        steps: size of the largest ensemble on the path, counting repeated members repeatedly; at least 1.
        start: number of best members that go in first, or all if there are fewer (section 2.2); at least 1.

    Returns:
        Each member's share in the average, 0 for those left out, sum 1: (M,).

    Raises:
        ValueError: if there is no member, or steps or start is below 1.
    """
    _check(objective, steps=steps, start=start)
    counts = np.zeros(len(objective))
    first = np.argsort(-np.round(objective.with_one_more(counts), 12), kind="stable")[:start]
    best_score, best = -np.inf, counts
    for size in range(1, steps + 1):
        scores = objective.with_one_more(counts)
        chosen = first[size - 1] if size <= len(first) else np.argmax(scores > scores.max() - _EQUAL)
        counts[chosen] += 1
        if scores[chosen] > best_score + _EQUAL:
            best_score, best = scores[chosen], counts / size
    return best


def select_in_bags(
    objective: SelectionObjective, steps: int, start: int = 1, *, bags: int, rng: np.random.Generator
) -> np.ndarray:
    """Average the ensembles that are selected on resamples of the examples (bagging, Breiman 1996).

    A combination that suits the examples by chance is selected on few resamples. In return, the ensemble may score
    lower than its best member on them. The bags together may select more than ``steps`` members: those with the largest
    shares are kept; ties go to the earlier ones.

    The paper bags the members (section 2.3): a bag contains a random half of them. With libraries as small as a study's
    this costs more than it gains, since every second bag lacks the best member.

    Args:
        objective, steps, start: as for :func:`select`, in each bag.
        bags: number of resamples, at least 1.
        rng: draws the bags.

    Returns:
        Each member's share in the average, 0 for those left out, sum 1: (M,).

    Raises:
        ValueError: if there is no member, or a number is below 1.
    """
    _check(objective, steps=steps, start=start, bags=bags)
    shares = np.mean([select(objective.resampled(rng), steps, start) for _ in range(bags)], axis=0)
    shares[np.argsort(-np.round(shares, 12), kind="stable")[steps:]] = 0.0
    return np.asarray(shares / shares.sum())


def _check(objective: SelectionObjective, **counts: int) -> None:
    if not len(objective):
        raise ValueError("there are no members to select from")
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")

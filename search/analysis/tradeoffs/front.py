"""Trials that no other one beats on all tasks."""

from __future__ import annotations

import numpy as np

__all__ = ["nondominated"]


def nondominated(scores: np.ndarray) -> np.ndarray:
    """Return which rows no other row dominates, that is, is at least as good in all columns and better in one.

    Equals do not dominate each other.

    Args:
        scores: (n, tasks), the higher the better.

    Returns:
        (n,) bool.
    """
    beaten = [bool(((scores >= row).all(axis=1) & (scores > row).any(axis=1)).any()) for row in scores]
    return ~np.array(beaten, dtype=bool)

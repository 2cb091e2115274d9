"""Weigh examples in cross-entropy by their class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from data.errors import UserError

__all__ = ["ClassWeighting", "balanced", "given", "mean_one"]

ClassWeighting = Callable[[np.ndarray], np.ndarray]
"""Training examples of each class, (K,), to relative weights of the classes, (K,) float64, at least 0."""


def balanced(balance: float) -> ClassWeighting:
    """Weigh class k by n_k^-balance; with balance 1 all classes have the same total. Without examples it is 0."""

    def weigh(counts: np.ndarray) -> np.ndarray:
        there = counts > 0
        return np.where(there, np.where(there, counts, 1).astype(np.float64) ** -balance, 0.0)

    return weigh


def given(weights: Sequence[float]) -> ClassWeighting:
    """Use these weights, whatever the counts."""
    return lambda _: np.asarray(weights, dtype=np.float64)


def mean_one(weights: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Rescale weights, (K,), so that their mean over the training examples is 1.

    The loss then keeps its size, and with it the meaning of learning rate and task weight. Weights n_k^-1 become the
    usual N / (K n_k), with K counting the classes that occur.

    Args:
        weights: relative weights, (K,).
        counts: training examples of each class, (K,).

    Raises:
        UserError: if every class that occurs has weight 0.
    """
    total = (counts * weights).sum()
    if total == 0:
        raise UserError(f"class_weights = {weights.tolist()}: every class that occurs in training has weight 0")
    return np.asarray(weights * counts.sum() / total)

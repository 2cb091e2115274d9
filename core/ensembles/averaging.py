"""Average several runs' predictions for the same examples into one prediction.

Classes: the mean of the logits. Runs store probabilities, so it is computed as the mean of their logarithms, which
differ from the logits by one number for each example, and softmax is invariant to that. Scores: their mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import softmax

__all__ = ["average", "average_tasks", "from_summands", "to_summands"]

# What a probability of 0 counts as: the smallest float32 above 0, since it was rounded from something smaller still.
# With its true logarithm, minus infinity, a single run could rule a class out, and two could rule out all classes.
_LEAST = float(np.finfo(np.float32).smallest_subnormal)


def to_summands(predictions: np.ndarray) -> np.ndarray:
    """Convert predictions to what is averaged, float64: the logarithms of probabilities, (N, K), or scores, (N,)."""
    values = predictions.astype(np.float64)
    return np.log(np.maximum(values, _LEAST)) if values.ndim == 2 else values


def from_summands(mean: np.ndarray) -> np.ndarray:
    """Convert a mean of :func:`to_summands` back to a prediction, float64: (N, K) or (N,)."""
    return np.asarray(softmax(mean, axis=1)) if mean.ndim == 2 else mean


def average(predictions: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """Average predictions into the ensemble's, float64: class probabilities (N, K) or scores (N,).

    Args:
        predictions: of each member, all of one shape: class probabilities (N, K) or scores (N,).
        weights: how much, or how often, each member counts, at least 0; only their ratio matters. None: equally.

    Raises:
        ValueError: if there is no member, shapes differ, or the weights do not fit.
    """
    weights = [1.0] * len(predictions) if weights is None else weights
    _check([prediction.shape for prediction in predictions], weights)
    total = sum(weights)
    mean = np.zeros(predictions[0].shape)
    for prediction, weight in zip(predictions, weights, strict=True):
        if weight > 0:
            mean += weight / total * to_summands(prediction)
    return from_summands(mean)


def average_tasks(
    members: Sequence[Mapping[str, np.ndarray]], weights: Sequence[float] | None = None
) -> dict[str, np.ndarray]:
    """Apply :func:`average` to every task; each member predicts for all tasks of the first."""
    return {task: average([member[task] for member in members], weights) for task in members[0]}


def _check(shapes: list[tuple[int, ...]], weights: Sequence[float]) -> None:
    if not shapes:
        raise ValueError("an ensemble needs at least one member")
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"predictions must have the same shape, got {shapes}")
    if len(weights) != len(shapes):
        raise ValueError(f"weights must have one entry for each of {len(shapes)} members, got {len(weights)}")
    if not (min(weights) >= 0 and sum(weights) > 0):
        raise ValueError(f"weights must be at least 0 and not all 0, got {list(weights)}")

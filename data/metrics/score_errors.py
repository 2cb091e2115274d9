"""Share code among errors of predicted scores: differences, their mean by resample, and the common scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.metrics.metric import MeasuredTask

__all__ = ["cost", "differences", "mean_by_resample", "to_share"]


def to_share(task: MeasuredTask, error: np.ndarray) -> np.ndarray:
    """Map an error in score units to 1 - error / (highest - lowest score), at least 0.

    An error as wide as the score range, that of the worst prediction inside it, counts as 0.
    """
    assert task.score_range is not None, "score tasks have a range"
    low, high = task.score_range
    return np.asarray(1.0 - np.minimum(error / (high - low), 1.0))


def differences(predictions: Sequence[np.ndarray], gold: np.ndarray) -> np.ndarray:
    """Return predicted minus gold scores of R runs, (N, R) float64."""
    return np.stack(predictions, axis=1).astype(np.float64) - gold.astype(np.float64)[:, None]


def mean_by_resample(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean of the values (N, R) over the examples of each resample, (B, R), given ``counts``, (B, N)."""
    return np.asarray(counts @ values / counts.sum(axis=1, keepdims=True))


def cost(_task: MeasuredTask) -> int:
    """Return the number of passes over the counts."""
    return 1

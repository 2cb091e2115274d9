"""What errors of predicted scores share: their place on the common scale."""

from __future__ import annotations

import numpy as np

from data.metrics.metric import MeasuredTask

__all__ = ["to_share"]


def to_share(task: MeasuredTask, error: np.ndarray) -> np.ndarray:
    """Map an error in score units to 1 - error / (highest - lowest score), at least 0.

    An error as wide as the score range, that of the worst prediction inside it, counts as 0.
    """
    assert task.score_range is not None, "score tasks have a range"
    low, high = task.score_range
    return np.asarray(1.0 - np.minimum(error / (high - low), 1.0))

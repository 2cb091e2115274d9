"""What metrics of predicted classes share: the predicted class, and confusion counts of many resamples at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["confusion_counts", "predicted_classes"]


def predicted_classes(predictions: np.ndarray) -> np.ndarray:
    """Return the most probable class, (N, K) -> (N,) int64; of equally probable ones the first."""
    return np.asarray(predictions.argmax(axis=1))


def confusion_counts(
    predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, for each class, the examples that are rightly predicted, predicted and gold in each resample.

    Args:
        predictions: class probabilities of R runs, (N, K) each.
        gold: class indices, (N,).
        counts: how often each resample contains each example, (B, N) float64.

    Returns:
        Rightly predicted (B, R, K), predicted (B, R, K) and gold ones (B, 1, K), float64 whole numbers.
    """
    labels = np.arange(predictions[0].shape[1])
    taken = np.stack([predicted_classes(one) for one in predictions], axis=1)[:, :, None] == labels  # (N, R, K)
    there = gold[:, None] == labels  # (N, K)
    right = np.tensordot(counts, (taken & there[:, None, :]).astype(np.float64), axes=1)
    return right, np.tensordot(counts, taken.astype(np.float64), axes=1), (counts @ there.astype(np.float64))[:, None]

"""Compute the metrics that are reported of predicted scores."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

from data.metrics import MeasuredTask, find_metric

__all__ = ["score_metrics"]


def score_metrics(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """Compute all metrics that are reported of a score task.

    ``pearson`` and ``spearman``, -1 to 1; ``mse``, ``rmse``, ``mean_absolute_error`` and ``median_absolute_error``, in
    (squared) score units; ``msle``, the mean squared difference of log(1 + score), where no score is below 0; and
    ``explained_variance`` and ``r2``, at most 1, which count as 0 where the gold scores do not vary.

    Args:
        task: whose they are.
        predictions: scores, (N,).
        gold: scores, (N,).
    """
    assert task.score_range is not None, "score tasks have a range"
    predictions, gold = predictions.astype(np.float64), gold.astype(np.float64)
    mse = float(sk.mean_squared_error(gold, predictions))
    found = {
        "pearson": find_metric("pearson").score(task, predictions, gold),
        "spearman": find_metric("spearman").score(task, predictions, gold),
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "mean_absolute_error": float(sk.mean_absolute_error(gold, predictions)),
        "median_absolute_error": float(sk.median_absolute_error(gold, predictions)),
        "explained_variance": 0.0,
        "r2": 0.0,
    }
    if task.score_range[0] >= 0:
        # A score computed as 0 may come out a rounding error below it.
        found["msle"] = float(sk.mean_squared_log_error(gold, np.maximum(predictions, 0.0)))
    if np.ptp(gold) > 0:
        found["explained_variance"] = float(sk.explained_variance_score(gold, predictions))
        found["r2"] = float(sk.r2_score(gold, predictions))
    return found

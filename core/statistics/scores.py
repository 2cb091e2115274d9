"""Compute the metrics that are reported of predicted scores, without scikit-learn: see the metrics of classes."""

from __future__ import annotations

import numpy as np

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
    errors = predictions - gold
    mse = float(np.mean(errors**2))
    found = {
        "pearson": find_metric("pearson").score(task, predictions, gold),
        "spearman": find_metric("spearman").score(task, predictions, gold),
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "mean_absolute_error": float(np.mean(np.abs(errors))),
        "median_absolute_error": float(np.median(np.abs(errors))),
        "explained_variance": 0.0,
        "r2": 0.0,
    }
    if task.score_range[0] >= 0:
        # A score computed as 0 may come out a rounding error below it.
        found["msle"] = float(np.mean((np.log1p(np.maximum(predictions, 0.0)) - np.log1p(gold)) ** 2))
    if (variance := gold.var()) > 0:
        found["explained_variance"] = float(1 - errors.var() / variance)
        found["r2"] = float(1 - mse / variance)
    return found

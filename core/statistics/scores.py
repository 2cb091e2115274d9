"""Compute the metrics that are reported of predicted scores.

Scikit-learn has them too, but with pandas it would take 50 MB of every worker. Tests compare the two.
"""

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
    errors = gold - predictions
    mse, variance = float((errors**2).mean()), float(gold.var())
    found = {
        "pearson": find_metric("pearson").score(task, predictions, gold),
        "spearman": find_metric("spearman").score(task, predictions, gold),
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "mean_absolute_error": float(np.abs(errors).mean()),
        "median_absolute_error": float(np.median(np.abs(errors))),
        "explained_variance": 0.0,
        "r2": 0.0,
    }
    if task.score_range[0] >= 0:
        # A score computed as 0 may come out a rounding error below it.
        found["msle"] = float(((np.log1p(gold) - np.log1p(np.maximum(predictions, 0.0))) ** 2).mean())
    if np.ptp(gold) > 0 and variance > 0:  # which may underflow
        found["explained_variance"] = 1.0 - float(errors.var()) / variance
        found["r2"] = 1.0 - mse / variance
    return found

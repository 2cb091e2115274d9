"""Metrics of predicted scores."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from scipy import stats
from sklearn import metrics as sk

__all__ = ["correlation", "score_metrics"]


def score_metrics(task: str, lowest: float, predictions: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """All metrics of a score task.

    ``pearson`` and ``spearman``, -1 to 1; ``mse``, ``rmse``, ``mean_absolute_error`` and ``median_absolute_error``, in
    (squared) score units; ``msle``, the mean squared difference of log(1 + score), where no score is below 0; and
    ``explained_variance`` and ``r2``, at most 1, which count as 0 where the gold scores do not vary.

    Args:
        task: its name, for warnings.
        lowest: the least score there can be.
        predictions: scores, (N,).
        gold: scores, (N,).
    """
    predictions, gold = predictions.astype(np.float64), gold.astype(np.float64)
    mse = float(sk.mean_squared_error(gold, predictions))
    found = {
        "pearson": correlation(task, "pearson", predictions, gold),
        "spearman": correlation(task, "spearman", predictions, gold),
        "mse": mse,
        "rmse": float(np.sqrt(mse)),
        "mean_absolute_error": float(sk.mean_absolute_error(gold, predictions)),
        "median_absolute_error": float(sk.median_absolute_error(gold, predictions)),
        "explained_variance": 0.0,
        "r2": 0.0,
    }
    if lowest >= 0:
        # A score computed as 0 may come out a rounding error below it.
        found["msle"] = float(sk.mean_squared_log_error(gold, np.maximum(predictions, 0.0)))
    if np.ptp(gold) > 0:
        found["explained_variance"] = float(sk.explained_variance_score(gold, predictions))
        found["r2"] = float(sk.r2_score(gold, predictions))
    return found


def correlation(task: str, kind: Literal["pearson", "spearman"], predictions: np.ndarray, gold: np.ndarray) -> float:
    """Of scores (N,) and (N,). A constant has none: it counts as 0, so that a run that learnt nothing has a score."""
    if np.ptp(predictions) == 0 or np.ptp(gold) == 0:
        which = "predictions" if np.ptp(predictions) == 0 else "gold scores"
        warnings.warn(f"{task}: all {which} are equal; the correlation counts as 0", stacklevel=3)
        return 0.0
    with warnings.catch_warnings():  # nearly constant predictions: the value is still the best there is
        warnings.simplefilter("ignore", stats.NearConstantInputWarning)
        # Float32 sums of many scores would lose digits.
        pair = (predictions.astype(np.float64), gold.astype(np.float64))
        return float(stats.pearsonr(*pair).statistic if kind == "pearson" else stats.spearmanr(*pair).statistic)

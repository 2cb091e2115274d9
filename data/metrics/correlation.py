"""What correlations share: a constant has none, which counts as 0."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from data.metrics.metric import MeasuredTask

__all__ = ["correlate", "set_constants_to_zero", "to_correlation", "undefined_correlation"]


def correlate(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    """Return Pearson's r of scores, or of their ranks, (N,) and (N,).

    A constant has no correlation: it counts as 0, so that a run that learnt nothing has a score. SciPy's function would
    take 45 MiB and a third of a second of every process that trains.

    Args:
        task: whose they are.
        predictions, gold: scores or ranks; sums are in float64, because those of many float32 numbers lose digits.
    """
    if why := undefined_correlation(task, predictions, gold):
        warnings.warn(f"{task.name}: {why}; the correlation counts as 0", stacklevel=4)
        return 0.0
    x, y = (scores.astype(np.float64) - scores.mean(dtype=np.float64) for scores in (predictions, gold))
    x, y = x / np.abs(x).max(), y / np.abs(y).max()  # squares neither overflow nor vanish
    covariance, var_x, var_y = np.array([[x @ y], [x @ x], [y @ y]])
    return float(to_correlation(covariance, var_x, var_y, np.array([True]))[0])


def undefined_correlation(_task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> str:
    """Say which of predicted and gold scores are constant; empty if neither is."""
    if np.ptp(predictions) == 0:
        return "all predictions are equal"
    return "all gold scores are equal" if np.ptp(gold) == 0 else ""


def to_correlation(covariance: np.ndarray, var_x: np.ndarray, var_y: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Divide covariances by both standard deviations where that is ``known`` to be possible; NaN elsewhere."""
    r = np.full(covariance.shape, np.nan)
    product = np.broadcast_to(var_x * var_y, covariance.shape)
    r[known] = np.clip(covariance[known] / np.sqrt(product[known]), -1.0, 1.0)
    return r


def set_constants_to_zero(found: np.ndarray, predictions: Sequence[np.ndarray], gold: np.ndarray) -> np.ndarray:
    """Set the columns (B, R) of constant predictions to 0: they have no correlation in any resample."""
    found[:, [np.ptp(one) == 0 or np.ptp(gold) == 0 for one in predictions]] = 0.0
    return found

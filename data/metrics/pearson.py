"""Pearson's r of predicted and gold scores: -1 to 1. A constant has none: it counts as 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.metrics.correlation import correlate, set_constants_to_zero, to_correlation, undefined_correlation
from data.metrics.metric import SCORES, MeasuredTask, Metric

__all__ = ["METRIC"]

_LEFT = 1e-6  # of a variance; where less is left, differences of sums have lost too many digits


def _plain(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    return correlate(task, predictions, gold)


def _counted(
    _task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Leave NaN where a resample is constant, or so nearly that sums cannot tell its variance."""
    x, y = np.stack(predictions, axis=1).astype(np.float64), gold.astype(np.float64)  # (N, R), (N,)
    x, y = x - x.mean(axis=0), (y - y.mean())[:, None]
    values = np.concatenate([y, y * y, x, x * x, x * y], axis=1)
    means = counts @ values / counts.sum(axis=1, keepdims=True)  # (B, 2 + 3 R)
    mean_y, yy = means[:, :1], means[:, 1:2]
    mean_x, xx, xy = np.split(means[:, 2:], 3, axis=1)
    var_x, var_y = xx - mean_x**2, yy - mean_y**2
    known = (var_x > _LEFT * x.var(axis=0)) & (var_y > _LEFT * y.var())
    found = to_correlation(xy - mean_x * mean_y, var_x, var_y, known)
    return set_constants_to_zero(found, predictions, gold)


def _cost(_task: MeasuredTask) -> int:
    return 3


METRIC = Metric(
    name="pearson",
    label="Pearson",
    aliases=("pearsonr", "pearson_r"),
    kinds=SCORES,
    bounds=(-1.0, 1.0),
    undefined=undefined_correlation,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

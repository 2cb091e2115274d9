"""Spearman's rank correlation of predicted and gold scores: -1 to 1. A constant has none: it counts as 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.metrics.correlation import correlate, set_constants_to_zero, to_correlation, undefined_correlation
from data.metrics.metric import SCORES, MeasuredTask, Metric
from data.metrics.ranks import RANKS_COST, centred_ranks

__all__ = ["METRIC"]


def _plain(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    return correlate(task, _ranks(predictions), _ranks(gold))


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Return centred ranks, (N,), all NaN if a score is."""
    if np.isnan(scores).any():
        return np.full(len(scores), np.nan)
    return np.asarray(centred_ranks(scores, np.ones((1, len(scores))))[0])


def _counted(
    _task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Leave NaN where all examples of a resample share a rank."""
    found = np.empty((len(counts), len(predictions)))
    y = centred_ranks(gold, counts)  # (B, N)
    var_y = (counts * y * y).sum(axis=1)
    for run, one in enumerate(predictions):
        x = centred_ranks(one, counts)
        covariance, var_x = (counts * x * y).sum(axis=1), (counts * x * x).sum(axis=1)
        found[:, run] = to_correlation(covariance, var_x, var_y, (var_x > 0) & (var_y > 0))
    return set_constants_to_zero(found, predictions, gold)


def _cost(_task: MeasuredTask) -> int:
    return RANKS_COST


METRIC = Metric(
    name="spearman",
    label="Spearman",
    aliases=("spearmanr", "spearman_rho"),
    kinds=SCORES,
    bounds=(-1.0, 1.0),
    undefined=undefined_correlation,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

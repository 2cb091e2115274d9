"""A task's own metric on many resamples of its examples at once, from how often each example was drawn.

A mean over drawn examples is a product of the counts, (B, N), with the examples' values, (N,): this is what makes a
bootstrap of thousands of predictions take a second.
"""

from __future__ import annotations

import warnings

import numpy as np

from core.metrics.classification import predicted_classes
from core.metrics.task import own_metric
from data.tasks import TaskSpec

__all__ = ["counted_metric"]

_LEFT = 1e-6  # of a variance; where less is left, differences of sums have lost too many digits


def counted_metric(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """What :func:`core.metrics.own_metric` gives for each resample, (B,) float64; without its warnings.

    Args:
        spec: the task.
        predictions: class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
        counts: how often each resample holds each example, (B, N) float64; every row sums to N.
    """
    match spec.metric:
        case "accuracy":
            return np.asarray(counts @ (predicted_classes(predictions) == gold) / len(gold))
        case "f1":
            return _macro_f1(predicted_classes(predictions), gold, len(spec.classes), counts)
        case "pearson":
            found = _pearson(predictions.astype(np.float64), gold.astype(np.float64), counts)
        case "spearman":
            found = _spearman(predictions, gold, counts)
    for b in np.flatnonzero(np.isnan(found)):
        rows = np.repeat(np.arange(len(gold)), counts[b].astype(np.int64))
        with warnings.catch_warnings():  # a resample may well be constant where the predictions are not
            warnings.simplefilter("ignore")
            found[b] = own_metric(spec, predictions[rows], gold[rows])
    return found


def _macro_f1(predicted: np.ndarray, gold: np.ndarray, classes: int, counts: np.ndarray) -> np.ndarray:
    taken, there = np.eye(classes)[predicted], np.eye(classes)[gold]  # (N, K) each
    right, either = counts @ (taken * there), counts @ (taken + there)  # (B, K): TP, and 2 TP + FP + FN
    return np.asarray((2.0 * right / np.maximum(either, 1.0)).mean(axis=1))


def _pearson(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """NaN where a resample is constant, or so nearly that its variance cannot be had from sums."""
    x, y = x - x.mean(), y - y.mean()
    sums = counts @ np.stack([x, y, x * x, y * y, x * y], axis=1) / len(x)  # (B, 5)
    mean_x, mean_y, xx, yy, xy = sums.T
    var_x, var_y = xx - mean_x**2, yy - mean_y**2
    known = (var_x > _LEFT * x.var()) & (var_y > _LEFT * y.var())
    return _ratio(xy - mean_x * mean_y, var_x, var_y, known)


def _spearman(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """NaN where all examples of a resample share a rank."""
    x, y = _centred_ranks(x, counts), _centred_ranks(y, counts)  # (B, N) each
    covariance, var_x, var_y = ((counts * a * b).sum(axis=1) for a, b in ((x, y), (x, x), (y, y)))
    return _ratio(covariance, var_x, var_y, (var_x > 0) & (var_y > 0))


def _ratio(covariance: np.ndarray, var_x: np.ndarray, var_y: np.ndarray, known: np.ndarray) -> np.ndarray:
    r = np.full(len(covariance), np.nan)
    r[known] = np.clip(covariance[known] / np.sqrt(var_x[known] * var_y[known]), -1.0, 1.0)
    return r


def _centred_ranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Each value's rank in each resample, equal values sharing their mean rank, minus (N + 1) / 2: (B, N)."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    starts = np.cumsum(sizes) - sizes
    by_value = np.add.reduceat(counts[:, np.argsort(group, kind="stable")], starts, axis=1)  # (B, groups), rising
    ranks = np.cumsum(by_value, axis=1) - (by_value - 1.0) / 2.0
    return np.asarray((ranks - (len(values) + 1.0) / 2.0)[:, group])

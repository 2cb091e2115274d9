"""A task's own metric on many resamples of its examples at once, from how often each example was drawn.

A mean over drawn examples is a product of the counts, (B, N), with the examples' values, (N,) of one run or (N, R) of
several: this is what makes a bootstrap of thousands of predictions take a second.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from core.statistics.classification import predicted_classes
from core.statistics.task import own_metric
from data.tasks import TaskSpec

__all__ = ["counted_metric", "counted_metrics"]

_LEFT = 1e-6  # of a variance; where less is left, differences of sums have lost too many digits


def counted_metric(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """:func:`counted_metrics` of one run's predictions, (B,) float64."""
    return counted_metrics(spec, [predictions], gold, counts)[:, 0]


def counted_metrics(
    spec: TaskSpec, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """What :func:`core.statistics.own_metric` gives for each resample and run, (B, R) float64; without its warnings.

    Args:
        spec: the task.
        predictions: of each run, class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
        counts: how often each resample holds each example, (B, N) float64; every resample holds at least one.
    """
    match spec.metric:
        case "accuracy":
            right = np.stack([predicted_classes(one) == gold for one in predictions], axis=1)
            # Sums of counts are exact in float32, and had in half the time.
            drawn_right = counts.astype(np.float32) @ right.astype(np.float32)
            return np.asarray(drawn_right / counts.sum(axis=1, keepdims=True))
        case "f1":
            predicted = np.stack([predicted_classes(one) for one in predictions], axis=1)
            return _macro_f1(predicted, gold, len(spec.classes), counts)
        case "pearson":
            scores = np.stack(predictions, axis=1).astype(np.float64)
            found = _pearson(scores, gold.astype(np.float64), counts)
        case "spearman":
            found = _spearman(predictions, gold, counts)
    # A constant has no correlation on any resample.
    found[:, [np.ptp(one) == 0 or np.ptp(gold) == 0 for one in predictions]] = 0.0
    for b, run in np.argwhere(np.isnan(found)):
        rows = np.repeat(np.arange(len(gold)), counts[b].astype(np.int64))
        with warnings.catch_warnings():  # a resample may well be constant where the predictions are not
            warnings.simplefilter("ignore")
            found[b, run] = own_metric(spec, predictions[run][rows], gold[rows])
    return found


def _macro_f1(predicted: np.ndarray, gold: np.ndarray, classes: int, counts: np.ndarray) -> np.ndarray:
    """``predicted`` is (N, R)."""
    total = np.zeros((len(counts), predicted.shape[1]))
    for label in range(classes):
        taken, there = (predicted == label).astype(np.float64), (gold == label).astype(np.float64)[:, None]
        right, either = counts @ (taken * there), counts @ (taken + there)  # (B, R): TP, and 2 TP + FP + FN
        total += 2.0 * right / np.maximum(either, 1.0)
    return total / classes


def _pearson(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Of x, (N, R), with y, (N,). NaN where a resample is constant, or so nearly that sums cannot tell its variance."""
    x, y = x - x.mean(axis=0), (y - y.mean())[:, None]
    values = np.concatenate([y, y * y, x, x * x, x * y], axis=1)
    means = counts @ values / counts.sum(axis=1, keepdims=True)  # (B, 2 + 3 R)
    mean_y, yy = means[:, :1], means[:, 1:2]
    mean_x, xx, xy = np.split(means[:, 2:], 3, axis=1)
    var_x, var_y = xx - mean_x**2, yy - mean_y**2
    known = (var_x > _LEFT * x.var(axis=0)) & (var_y > _LEFT * y.var())
    return _ratio(xy - mean_x * mean_y, var_x, var_y, known)


def _spearman(predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """NaN where all examples of a resample share a rank."""
    found = np.empty((len(counts), len(predictions)))
    y = _centred_ranks(gold, counts)  # (B, N)
    var_y = (counts * y * y).sum(axis=1)
    for run, one in enumerate(predictions):
        x = _centred_ranks(one, counts)
        covariance, var_x = (counts * x * y).sum(axis=1), (counts * x * x).sum(axis=1)
        found[:, run] = _ratio(covariance, var_x, var_y, (var_x > 0) & (var_y > 0))
    return found


def _ratio(covariance: np.ndarray, var_x: np.ndarray, var_y: np.ndarray, known: np.ndarray) -> np.ndarray:
    r = np.full(covariance.shape, np.nan)
    product = np.broadcast_to(var_x * var_y, covariance.shape)
    r[known] = np.clip(covariance[known] / np.sqrt(product[known]), -1.0, 1.0)
    return r


def _centred_ranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Each value's rank in each resample, equal values sharing their mean rank, minus the mean of all: (B, N)."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    starts = np.cumsum(sizes) - sizes
    by_value = np.add.reduceat(counts[:, np.argsort(group, kind="stable")], starts, axis=1)  # (B, groups), rising
    ranks = np.cumsum(by_value, axis=1) - (by_value - 1.0) / 2.0
    return np.asarray((ranks - (counts.sum(axis=1, keepdims=True) + 1.0) / 2.0)[:, group])

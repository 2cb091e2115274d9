"""Score the predictions for a task: by its own metric, on resamples, and by every metric that is reported.

Where examples are in folds, each predicted by a model of its own, a metric is computed in each fold, and the score is
the mean over the folds (:mod:`core.run.joined_evaluation` says why).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from core.statistics.classification import classification_metrics
from core.statistics.scores import score_metrics
from data.tasks import TaskSpec

__all__ = ["counted_metric", "counted_metrics", "own_metric", "task_metrics"]


def task_metrics(
    spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray, folds: np.ndarray | None = None
) -> dict[str, float]:
    """Compute all metrics that are reported of a task, its own (``spec.metric``) among them.

    All are finite if the predictions are.

    Args:
        spec: the task.
        predictions: class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
        folds: the fold of each example, (N,); None: they are in none.
    """
    if folds is not None:
        parts = [task_metrics(spec, predictions[rows], gold[rows]) for rows in _rows(folds)]
        return {name: fmean(part[name] for part in parts) for name in parts[0]}
    if spec.kind.is_score:
        found = score_metrics(spec, predictions, gold)
    else:
        found = classification_metrics(spec.classes, predictions, gold)
    own = spec.metric.name
    return found if own in found else {own: own_metric(spec, predictions, gold), **found}


def own_metric(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray, folds: np.ndarray | None = None) -> float:
    """Compute ``spec.metric`` alone, the same number as in :func:`task_metrics`; arguments as there."""
    if folds is not None:
        return fmean(own_metric(spec, predictions[rows], gold[rows]) for rows in _rows(folds))
    return spec.metric.score(spec, predictions, gold)


def counted_metric(
    spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray, counts: np.ndarray, folds: np.ndarray | None = None
) -> np.ndarray:
    """Return :func:`counted_metrics` of one run's predictions, (B,) float64."""
    return counted_metrics(spec, [predictions], gold, counts, folds)[:, 0]


def counted_metrics(
    spec: TaskSpec,
    predictions: Sequence[np.ndarray],
    gold: np.ndarray,
    counts: np.ndarray,
    folds: np.ndarray | None = None,
) -> np.ndarray:
    """Compute :func:`own_metric` for each resample and run, (B, R) float64, without its warnings.

    A resample is given by how often it contains each example: a mean over drawn examples is a product of the counts,
    (B, N), with the examples' values, (N, R). This is what makes a bootstrap of thousands of predictions take a second.

    Args:
        spec: the task.
        predictions: of each run, class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
        counts: how often each resample contains each example, (B, N) float64; at least one each.
        folds: the fold of each example, (N,); None: they are in none. A fold of which a resample has no example does
            not count in its mean.
    """
    if folds is not None:
        return _mean_over_folds(spec, predictions, gold, counts, folds)
    return spec.metric.counted_scores(spec, predictions, gold, counts)


def _mean_over_folds(
    spec: TaskSpec, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray, folds: np.ndarray
) -> np.ndarray:
    total, present = np.zeros((len(counts), len(predictions))), np.zeros((len(counts), 1))
    for rows in _rows(folds):
        has_any = counts[:, rows].any(axis=1)
        parts = [one[rows] for one in predictions]
        total[has_any] += spec.metric.counted_scores(spec, parts, gold[rows], counts[np.ix_(has_any, rows)])
        present[has_any] += 1
    return total / present


def _rows(folds: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(folds == fold) for fold in np.unique(folds)]

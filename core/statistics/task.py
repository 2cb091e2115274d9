"""Score the predictions for a task: by its own metric, on resamples, and by every metric that is reported."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.statistics.classification import classification_metrics
from core.statistics.scores import score_metrics
from data.tasks import TaskSpec

__all__ = ["counted_metric", "counted_metrics", "own_metric", "task_metrics"]


def task_metrics(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """Compute all metrics that are reported of a task, its own (``spec.metric``) among them.

    All are finite if the predictions are.

    Args:
        spec: the task.
        predictions: class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
    """
    if spec.kind.is_score:
        found = score_metrics(spec, predictions, gold)
    else:
        found = classification_metrics(spec.classes, predictions, gold)
    own = spec.metric.name
    return found if own in found else {own: own_metric(spec, predictions, gold), **found}


def own_metric(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray) -> float:
    """Compute ``spec.metric`` alone, the same number as in :func:`task_metrics`; arguments as there."""
    return spec.metric.score(spec, predictions, gold)


def counted_metric(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return :func:`counted_metrics` of one run's predictions, (B,) float64."""
    return counted_metrics(spec, [predictions], gold, counts)[:, 0]


def counted_metrics(
    spec: TaskSpec, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Compute :func:`own_metric` for each resample and run, (B, R) float64, without its warnings.

    A resample is given by how often it contains each example: a mean over drawn examples is a product of the counts,
    (B, N), with the examples' values, (N, R). This is what makes a bootstrap of thousands of predictions take a second.

    Args:
        spec: the task.
        predictions: of each run, class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
        counts: how often each resample contains each example, (B, N) float64; at least one each.
    """
    return spec.metric.counted_scores(spec, predictions, gold, counts)

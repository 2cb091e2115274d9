"""The metrics of a task, whatever its kind."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

from core.statistics.classification import classification_metrics, predicted_classes
from core.statistics.scores import correlation, score_metrics
from data.tasks import TaskSpec

__all__ = ["own_metric", "task_metrics"]


def task_metrics(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """All metrics of a task, its own (``spec.metric``) among them; all are finite if the predictions are.

    Args:
        spec: the task.
        predictions: class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
    """
    if not spec.kind.is_score:
        return classification_metrics(spec.classes, predictions, gold)
    assert spec.score_range is not None, "score tasks have a range"
    return score_metrics(spec.name, spec.score_range[0], predictions, gold)


def own_metric(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray) -> float:
    """The metric ``spec.metric`` alone, the same number as :func:`task_metrics` gives; arguments as there."""
    match spec.metric:
        case "accuracy":
            # Not scikit-learn's, whose checks take far longer: selecting an ensemble asks thousands of times.
            return float(np.mean(predicted_classes(predictions) == gold))
        case "f1":
            labels = range(len(spec.classes))
            predicted = predicted_classes(predictions)
            return float(sk.f1_score(gold, predicted, labels=labels, average="macro", zero_division=0.0))
        case correlated:
            return correlation(spec.name, correlated, predictions, gold)

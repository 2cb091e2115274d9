"""Scores of predictions, by scikit-learn and SciPy, and the overall score."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import stats
from sklearn import metrics as sk

from data.tasks import TaskSpec

__all__ = ["normalised", "overall_score", "predicted_classes", "task_metrics"]


def predicted_classes(predictions: np.ndarray) -> np.ndarray:
    """The most probable class: (N, K) -> (N,) int64; the first of equals."""
    return np.asarray(predictions.argmax(axis=1))


def task_metrics(spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """All metrics of a task, its own (``spec.metric``) among them.

    Args:
        spec: the task.
        predictions: class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
    """
    if not spec.kind.is_score:
        predicted = predicted_classes(predictions)
        labels = list(range(len(spec.classes)))
        return {
            "accuracy": float(sk.accuracy_score(gold, predicted)),
            "f1": float(sk.f1_score(gold, predicted, labels=labels, average="macro", zero_division=0.0)),
        }
    return {
        "pearson": _correlation(spec.name, stats.pearsonr, predictions, gold),
        "spearman": _correlation(spec.name, stats.spearmanr, predictions, gold),
        "mse": float(sk.mean_squared_error(gold, predictions)),
    }


def _correlation(task: str, function: object, predictions: np.ndarray, gold: np.ndarray) -> float:
    """A constant has no correlation: it counts as 0, so that a run that learnt nothing has a score all the same."""
    if np.ptp(predictions) == 0 or np.ptp(gold) == 0:
        which = "predictions" if np.ptp(predictions) == 0 else "gold scores"
        warnings.warn(f"{task}: all {which} are equal; the correlation counts as 0", stacklevel=3)
        return 0.0
    assert callable(function)
    with warnings.catch_warnings():  # nearly constant predictions: the value is still the best there is
        warnings.simplefilter("ignore", stats.NearConstantInputWarning)
        return float(function(predictions.astype(np.float64), gold.astype(np.float64)).statistic)


def normalised(spec: TaskSpec, score: float) -> float:
    """A task's own metric on the common scale from 0 to 1: a correlation r counts as (1 + r) / 2."""
    return (1.0 + score) / 2.0 if spec.metric in ("pearson", "spearman") else score


def overall_score(scores: dict[str, float], specs: dict[str, TaskSpec], weights: dict[str, float]) -> float:
    """Weighted mean of the normalised scores, 0 to 1. With sst, para, sts: (acc + acc + (1 + r) / 2) / 3."""
    total = sum(weights[name] for name in scores)
    return sum(weights[name] * normalised(specs[name], score) for name, score in scores.items()) / total

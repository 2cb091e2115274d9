"""Scores of predictions, by scikit-learn and SciPy, the overall score, and how far chance may move them."""

from core.metrics.bootstrap import bootstrap_scores
from core.metrics.classification import confusion_matrix, predicted_classes
from core.metrics.counted import counted_metric
from core.metrics.intervals import ScoreIntervals, pooled_variance
from core.metrics.overall import normalised, overall_score
from core.metrics.task import own_metric, task_metrics

__all__ = [
    "ScoreIntervals",
    "bootstrap_scores",
    "confusion_matrix",
    "counted_metric",
    "normalised",
    "overall_score",
    "own_metric",
    "pooled_variance",
    "predicted_classes",
    "task_metrics",
]

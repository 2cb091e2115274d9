"""Scores of predictions, by scikit-learn and SciPy, and the overall score."""

from core.metrics.classification import confusion_matrix, predicted_classes
from core.metrics.overall import normalised, overall_score
from core.metrics.task import own_metric, task_metrics

__all__ = ["confusion_matrix", "normalised", "overall_score", "own_metric", "predicted_classes", "task_metrics"]

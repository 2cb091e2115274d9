"""Score predictions: the metrics that a task may name, one file each.

A new metric is a new file here that assigns ``METRIC = Metric(...)``; nothing else lists it. Files without ``METRIC``
are what several metrics share. Imports NumPy at module level; SciPy and scikit-learn inside functions, because every
command reads task descriptions and few compute a metric.
"""

from data.metrics.metric import CLASSES, SCORES, MeasuredTask, Metric
from data.metrics.registry import all_metrics, find_metric

__all__ = ["CLASSES", "SCORES", "MeasuredTask", "Metric", "all_metrics", "find_metric"]

"""Scores of predictions, by scikit-learn and SciPy, the overall score, and how far chance may move them."""

from core.metrics.bootstrap import bootstrap_scores
from core.metrics.calibration import Calibration, CalibrationBin, calibration_of, fit_temperature
from core.metrics.classification import confusion_matrix, predicted_classes
from core.metrics.counted import counted_metric, counted_metrics
from core.metrics.interval import Interval
from core.metrics.intervals import ScoreIntervals, pooled_variance
from core.metrics.mean_selection import Configurations, replay_best_run, replay_mean_selection
from core.metrics.out_of_bag import LEAST_EXAMPLES, Bags, BagScores
from core.metrics.overall import normalised, overall_score
from core.metrics.selection_difference import Replayed, expect_difference
from core.metrics.task import own_metric, task_metrics
from core.metrics.unusual_spreads import unusual_spreads
from core.metrics.winners_curse import Expectation, Expectations, expect, replay_selection

__all__ = [
    "LEAST_EXAMPLES",
    "BagScores",
    "Bags",
    "Calibration",
    "CalibrationBin",
    "Configurations",
    "Expectation",
    "Expectations",
    "Interval",
    "Replayed",
    "ScoreIntervals",
    "bootstrap_scores",
    "calibration_of",
    "confusion_matrix",
    "counted_metric",
    "counted_metrics",
    "expect",
    "expect_difference",
    "fit_temperature",
    "normalised",
    "overall_score",
    "own_metric",
    "pooled_variance",
    "predicted_classes",
    "replay_best_run",
    "replay_mean_selection",
    "replay_selection",
    "task_metrics",
    "unusual_spreads",
]

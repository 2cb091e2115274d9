"""Interpret scores: reported metrics, the overall score, bootstraps, intervals and calibration.

Put here statistics of predictions and scores that know nothing of studies. A metric that a task may name is a file in
``data/metrics``.

Imports nothing else of ``core``; from ``data`` metrics and tasks. SciPy is imported where it is used: every process
that trains loads this package, and SciPy's statistics take 45 MiB and a third of a second.
"""

from core.statistics.abstention import ConfidenceCurve, Thresholds, confidence_curves, find_thresholds
from core.statistics.bootstrap import bootstrap_scores
from core.statistics.calibration import Calibration, CalibrationBin, calibration_of
from core.statistics.classification import confusion_matrix
from core.statistics.interval import Interval
from core.statistics.intervals import ScoreIntervals, pooled_variance
from core.statistics.mean_selection import Configurations, replay_best_run, replay_mean_selection
from core.statistics.out_of_bag import LEAST_EXAMPLES, Bags, BagScores
from core.statistics.overall import normalised_score, overall_score
from core.statistics.selection_difference import Replayed, expect_difference
from core.statistics.task import counted_metric, counted_metrics, own_metric, task_metrics
from core.statistics.task_calibration import TaskCalibration, calibrate_task, calibrate_tasks
from core.statistics.temperature import TemperatureFit, at_temperature, fit_out_of_sample, fit_temperature
from core.statistics.unusual_spreads import unusual_spreads
from core.statistics.winners_curse import Expectation, Expectations, expect, replay_selection

__all__ = [
    "LEAST_EXAMPLES",
    "BagScores",
    "Bags",
    "Calibration",
    "CalibrationBin",
    "ConfidenceCurve",
    "Configurations",
    "Expectation",
    "Expectations",
    "Interval",
    "Replayed",
    "ScoreIntervals",
    "TaskCalibration",
    "TemperatureFit",
    "Thresholds",
    "at_temperature",
    "bootstrap_scores",
    "calibrate_task",
    "calibrate_tasks",
    "calibration_of",
    "confidence_curves",
    "confusion_matrix",
    "counted_metric",
    "counted_metrics",
    "expect",
    "expect_difference",
    "find_thresholds",
    "fit_out_of_sample",
    "fit_temperature",
    "normalised_score",
    "overall_score",
    "own_metric",
    "pooled_variance",
    "replay_best_run",
    "replay_mean_selection",
    "replay_selection",
    "task_metrics",
    "unusual_spreads",
]

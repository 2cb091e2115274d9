"""Interpret scores: reported metrics, the overall score, bootstraps, intervals and calibration.

Put here statistics of predictions and scores that know nothing of studies. A metric that a task may name is a file in
``data/metrics``.

Imports nothing else of ``core``; from ``data`` metrics and tasks.
"""

from core.statistics.bootstrap import bootstrap_scores
from core.statistics.calibration import Calibration, CalibrationBin, calibration_of, fit_temperature
from core.statistics.classification import confusion_matrix
from core.statistics.interval import Interval
from core.statistics.intervals import ScoreIntervals, pooled_variance
from core.statistics.mean_selection import Configurations, replay_best_run, replay_mean_selection
from core.statistics.out_of_bag import LEAST_EXAMPLES, Bags, BagScores
from core.statistics.overall import normalised_score, overall_score
from core.statistics.selection_difference import Replayed, expect_difference
from core.statistics.task import counted_metric, counted_metrics, own_metric, task_metrics
from core.statistics.unusual_spreads import unusual_spreads
from core.statistics.winners_curse import Expectation, Expectations, expect, replay_selection

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

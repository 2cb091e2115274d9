"""Mean absolute error of predicted scores, in score units: 0 is perfect."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from data.metrics.metric import SCORES, MeasuredTask, Metric
from data.metrics.score_errors import cost, differences, mean_by_resample, to_share

__all__ = ["METRIC"]


def _plain(_task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(gold.astype(np.float64), predictions.astype(np.float64)))


def _counted(
    _task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    return mean_by_resample(np.abs(differences(predictions, gold)), counts)


METRIC = Metric(
    name="mean_absolute_error",
    label="mean absolute error",
    aliases=("mae",),
    kinds=SCORES,
    bounds=(0.0, math.inf),
    larger_is_better=False,
    to_share=to_share,
    plain=_plain,
    counted=_counted,
    cost=cost,
)

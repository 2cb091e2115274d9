"""Root mean squared error of predicted scores, in score units: 0 is perfect."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from data.metrics.metric import SCORES, MeasuredTask, Metric
from data.metrics.score_errors import cost, differences, mean_by_resample, to_share

__all__ = ["METRIC"]


def _plain(_task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    from sklearn.metrics import mean_squared_error

    return math.sqrt(mean_squared_error(gold.astype(np.float64), predictions.astype(np.float64)))


def _counted(
    _task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    return np.asarray(np.sqrt(mean_by_resample(differences(predictions, gold) ** 2, counts)))


METRIC = Metric(
    name="rmse",
    label="RMSE",
    aliases=("root_mean_squared_error",),
    kinds=SCORES,
    bounds=(0.0, math.inf),
    larger_is_better=False,
    to_share=to_share,
    plain=_plain,
    counted=_counted,
    cost=cost,
)

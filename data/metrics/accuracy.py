"""Accuracy: the share of examples whose most probable class is the gold one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.metrics.classes import predicted_classes
from data.metrics.metric import CLASSES, MeasuredTask, Metric

__all__ = ["METRIC"]


def _plain(_task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    # Not scikit-learn's, whose checks take far longer: selecting an ensemble asks thousands of times.
    return float(np.mean(_is_right(predictions, gold)))


def _is_right(predictions: np.ndarray, gold: np.ndarray) -> np.ndarray:
    return np.asarray(predicted_classes(predictions) == gold)


def _counted(
    _task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    right = np.stack([_is_right(one, gold) for one in predictions], axis=1)
    # Sums of counts are exact in float32, and take half the time.
    drawn_right = counts.astype(np.float32) @ right.astype(np.float32)
    return np.asarray(drawn_right / counts.sum(axis=1, keepdims=True))


def _cost(_task: MeasuredTask) -> int:
    return 1


METRIC = Metric(
    name="accuracy",
    label="accuracy",
    aliases=("acc",),
    kinds=CLASSES,
    is_right=_is_right,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

"""Matthews correlation coefficient, for K classes R_K (Gorodkin 2004): -1 to 1, 0 for guessing.

Where all predicted classes, or all gold ones, are equal it is 0 / 0 and counts as 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from data.metrics.classes import confusion_counts, predicted_classes
from data.metrics.metric import CLASSES, MeasuredTask, Metric

__all__ = ["METRIC"]


def _plain(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    from sklearn.metrics import matthews_corrcoef

    predicted = predicted_classes(predictions)
    if why := _undefined(task, predictions, gold):
        warnings.warn(f"{task.name}: {why}; mcc counts as 0", stacklevel=3)
        return 0.0
    return float(matthews_corrcoef(gold, predicted))


def _undefined(_task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> str:
    if np.ptp(predicted_classes(predictions)) == 0:
        return "all predicted classes are equal"
    return "all gold classes are equal" if np.ptp(gold) == 0 else ""


def _counted(
    _task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    right, predicted, there = confusion_counts(predictions, gold, counts)
    size = counts.sum(axis=1)[:, None]  # (B, 1)
    covariance = right.sum(axis=2) * size - (predicted * there).sum(axis=2)
    product = (size**2 - (predicted**2).sum(axis=2)) * (size**2 - (there**2).sum(axis=2))
    return np.asarray(covariance / np.sqrt(np.where(product > 0, product, 1.0)))  # the covariance is 0 where it is 0


def _cost(task: MeasuredTask) -> int:
    return 3 * len(task.classes)


METRIC = Metric(
    name="mcc",
    label="MCC",
    aliases=("matthews", "matthews_corrcoef", "matthews_correlation", "phi"),
    kinds=CLASSES,
    bounds=(-1.0, 1.0),
    undefined=_undefined,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

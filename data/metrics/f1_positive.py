"""F1 of the positive class, the second of two: 2 TP / (2 TP + FP + FN); 0 if it is neither predicted nor gold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.metrics.classes import confusion_counts, predicted_classes
from data.metrics.metric import CLASSES, MeasuredTask, Metric

__all__ = ["METRIC"]


def _plain(_task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted_classes(predictions), zero_division=0.0))


def _undefined(_task: MeasuredTask, _predictions: np.ndarray, gold: np.ndarray) -> str:
    return "" if (gold == 1).any() else "no example is positive"


def _counted(
    _task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    right, predicted, there = confusion_counts(predictions, gold, counts)
    return np.asarray(2.0 * right[..., 1] / np.maximum((predicted + there)[..., 1], 1.0))


def _cost(_task: MeasuredTask) -> int:
    return 6


def _requirement(task: MeasuredTask) -> str:
    return "" if len(task.classes) == 2 else f"it needs exactly two classes, got {len(task.classes)}"


METRIC = Metric(
    name="f1_positive",
    label="F1 of the positive class",
    aliases=("binary_f1", "f1_binary", "positive_f1"),
    kinds=CLASSES,
    undefined=_undefined,
    requirement=_requirement,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

"""Macro F1: the mean over the classes of 2 TP / (2 TP + FP + FN), each class counting alike.

A class that is neither predicted nor gold has F1 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.metrics.classes import predicted_classes
from data.metrics.metric import CLASSES, MeasuredTask, Metric

__all__ = ["METRIC"]


def _plain(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    labels = range(len(task.classes))
    return float(f1_score(gold, predicted_classes(predictions), labels=labels, average="macro", zero_division=0.0))


def _undefined(task: MeasuredTask, _predictions: np.ndarray, gold: np.ndarray) -> str:
    """A class without examples has no recall; its F1 of 0 would lower the mean whatever is predicted."""
    absent = np.setdiff1d(np.arange(len(task.classes)), gold)
    return f"no example is '{task.classes[absent[0]]}'" if absent.size else ""


def _counted(task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    predicted = np.stack([predicted_classes(one) for one in predictions], axis=1)  # (N, R)
    total = np.zeros((len(counts), predicted.shape[1]))
    for label in range(len(task.classes)):
        taken, there = (predicted == label).astype(np.float64), (gold == label).astype(np.float64)[:, None]
        right, either = counts @ (taken * there), counts @ (taken + there)  # (B, R): TP, and 2 TP + FP + FN
        total += 2.0 * right / np.maximum(either, 1.0)
    return total / len(task.classes)


def _cost(task: MeasuredTask) -> int:
    return 2 * len(task.classes)


METRIC = Metric(
    name="f1",
    label="macro F1",
    aliases=("macro_f1", "f1_macro"),
    kinds=CLASSES,
    undefined=_undefined,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

"""Average precision: the mean precision over the examples of a class, ranked by its probability.

AP = sum over thresholds n of (R_n - R_{n-1}) P_n, without interpolation. With two classes, of the second one; with
more, the mean over the classes, each against the rest (macro). A class without examples is left out of the mean; with
two classes and no example of the second one, it counts as 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from data.metrics.metric import CLASSES, MeasuredTask, Metric
from data.metrics.ranks import RANKS_COST

__all__ = ["METRIC"]


def _plain(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score

    if why := _undefined(task, predictions, gold):
        warnings.warn(f"{task.name}: {why}; average_precision counts as 0", stacklevel=3)
        return 0.0
    found = [
        float(average_precision_score(gold == label, predictions[:, label]))
        for label in _labels(task)
        if (gold == label).any()
    ]
    return float(np.mean(found))


def _undefined(task: MeasuredTask, _predictions: np.ndarray, gold: np.ndarray) -> str:
    return "" if np.isin(gold, _labels(task)).any() else "no example is positive"


def _counted(task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    found = np.empty((len(counts), len(predictions)))
    for run, one in enumerate(predictions):
        of_label = [_precision(one[:, label], gold == label, counts) for label in _labels(task)]
        total = np.sum([precision for precision, _ in of_label], axis=0)
        found[:, run] = total / np.maximum(np.sum([has_examples for _, has_examples in of_label], axis=0), 1)
    return found


def _precision(probabilities: np.ndarray, is_positive: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average precision, 0 without a positive example, and whether there is one: (B,) each."""
    _, group, sizes = np.unique(-probabilities, return_inverse=True, return_counts=True)
    order, starts = np.argsort(group, kind="stable"), np.cumsum(sizes) - sizes
    taken = np.add.reduceat(counts[:, order], starts, axis=1)  # (B, thresholds), from the highest probability down
    right = np.add.reduceat((counts * is_positive)[:, order], starts, axis=1)
    precision = np.cumsum(right, axis=1) / np.maximum(np.cumsum(taken, axis=1), 1.0)
    positives = right.sum(axis=1)
    return (right * precision).sum(axis=1) / np.maximum(positives, 1.0), positives > 0


def _labels(task: MeasuredTask) -> Sequence[int]:
    return (1,) if len(task.classes) == 2 else range(len(task.classes))


def _cost(task: MeasuredTask) -> int:
    return RANKS_COST * len(_labels(task))


METRIC = Metric(
    name="average_precision",
    label="average precision",
    aliases=("ap", "auprc", "pr_auc", "average_precision_score"),
    kinds=CLASSES,
    reads_probabilities=True,
    undefined=_undefined,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

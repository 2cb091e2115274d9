"""Area under the ROC curve: how often an example of a class has a higher probability of it than one of another class.

Equal probabilities count half. With two classes, of the second one; with more, the mean over the classes, each against
the rest (macro). A class without examples, or with all of them, has no curve and is left out of the mean; where no
class has one, the area counts as 0.5.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from data.metrics.metric import CLASSES, MeasuredTask, Metric
from data.metrics.ranks import RANKS_COST, centred_ranks

__all__ = ["METRIC"]


def _plain(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    if why := _undefined(task, predictions, gold):
        warnings.warn(f"{task.name}: {why}; roc_auc counts as 0.5", stacklevel=3)
        return 0.5
    areas = [
        float(roc_auc_score(gold == label, predictions[:, label]))
        for label in _labels(task)
        if 0 < (gold == label).sum() < len(gold)
    ]
    return float(np.mean(areas))


def _undefined(_task: MeasuredTask, _predictions: np.ndarray, gold: np.ndarray) -> str:
    return "all gold classes are equal" if np.ptp(gold) == 0 else ""


def _counted(task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    found = np.empty((len(counts), len(predictions)))
    for run, one in enumerate(predictions):
        areas = np.stack([_area(one[:, label], gold == label, counts) for label in _labels(task)])  # (labels, B)
        known = ~np.isnan(areas)
        total = np.where(known, areas, 0.0).sum(axis=0)
        found[:, run] = np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), 0.5)
    return found


def _area(probabilities: np.ndarray, is_positive: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mann and Whitney's U over the number of pairs, (B,); NaN without a pair."""
    positives = counts @ is_positive.astype(np.float64)
    pairs = positives * (counts.sum(axis=1) - positives)
    # The centred ranks of the positive examples sum to U minus half the number of pairs.
    above = (counts * centred_ranks(probabilities, counts))[:, is_positive].sum(axis=1)
    return np.where(pairs > 0, 0.5 + above / np.maximum(pairs, 1.0), np.nan)


def _labels(task: MeasuredTask) -> Sequence[int]:
    return (1,) if len(task.classes) == 2 else range(len(task.classes))


def _cost(task: MeasuredTask) -> int:
    return RANKS_COST * len(_labels(task))


METRIC = Metric(
    name="roc_auc",
    label="ROC AUC",
    aliases=("auc", "auroc", "roc_auc_score"),
    kinds=CLASSES,
    reads_probabilities=True,
    undefined=_undefined,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

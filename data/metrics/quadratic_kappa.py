"""Cohen's kappa with quadratic weights (Cohen 1968): agreement of ordered classes beyond chance, at most 1.

Classes are in order as the task lists them, one step from each to the next. Scores are rounded to whole numbers, halves
up, and limited to the score range. With x predicted and y gold,

    kappa = 1 - mean((x - y)²) / (var(x) + var(y) + (mean(x) - mean(y))²)

whose denominator is the mean of (x - y)² over all pairs of a prediction with a gold label. Where x and y are all one
class, it is 0 / 0 and counts as 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from data.metrics.classes import predicted_classes
from data.metrics.metric import CLASSES, SCORES, MeasuredTask, Metric

__all__ = ["METRIC"]


def _plain(task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    found = _kappa(_steps(task, predictions), _steps(task, gold), np.ones((1, len(gold))))[0]
    if np.isnan(found):
        warnings.warn(
            f"{task.name}: all predicted and gold classes are equal; quadratic_kappa counts as 0", stacklevel=3
        )
        return 0.0
    return float(found)


def _undefined(task: MeasuredTask, _predictions: np.ndarray, gold: np.ndarray) -> str:
    """With one gold class, kappa is 0 whatever is predicted, or 0 / 0."""
    return "all gold classes are equal" if np.ptp(_steps(task, gold)) == 0 else ""


def _counted(task: MeasuredTask, predictions: Sequence[np.ndarray], gold: np.ndarray, counts: np.ndarray) -> np.ndarray:
    y = _steps(task, gold)
    found = np.stack([_kappa(_steps(task, one), y, counts) for one in predictions], axis=1)
    return np.asarray(np.nan_to_num(found, nan=0.0))


def _steps(task: MeasuredTask, values: np.ndarray) -> np.ndarray:
    """Places in the order, (N,) float64, of predictions or of gold labels."""
    if values.ndim == 2:
        return predicted_classes(values).astype(np.float64)
    if task.score_range is None:
        return values.astype(np.float64)
    return np.asarray(np.clip(np.floor(values.astype(np.float64) + 0.5), *task.score_range))


def _kappa(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Of x and y, (N,), in each resample, (B,); NaN for 0 / 0. Sums of whole numbers, so 0 is exact."""
    size = counts.sum(axis=1)
    apart = size * (counts @ (x - y) ** 2)
    by_chance = size * (counts @ (x * x + y * y)) - 2.0 * (counts @ x) * (counts @ y)
    return np.where(by_chance > 0, 1.0 - apart / np.where(by_chance > 0, by_chance, 1.0), np.nan)


def _cost(_task: MeasuredTask) -> int:
    return 4


def _requirement(task: MeasuredTask) -> str:
    if task.score_range is None or all(float(end).is_integer() for end in task.score_range):
        return ""
    return f"scores are rounded to whole numbers, so score_range needs whole ends, got {list(task.score_range)}"


METRIC = Metric(
    name="quadratic_kappa",
    label="quadratic kappa",
    aliases=("qwk", "quadratic_weighted_kappa", "weighted_kappa"),
    kinds=CLASSES | SCORES,
    bounds=(-1.0, 1.0),
    undefined=_undefined,
    requirement=_requirement,
    plain=_plain,
    counted=_counted,
    cost=_cost,
)

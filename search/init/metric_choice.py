"""Propose a metric from how often each class occurs, or from how scores are distributed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from search.init.column_profile import finite

__all__ = ["ClassMetric", "metric_of_classes", "metric_of_scores"]

_RARE: Final = 0.1  # share of the smaller of two classes below which it is what is looked for
_EVEN: Final = 0.4  # share of the smaller of two classes from which accuracy is fair
_LARGEST, _SMALLEST = 1.5, 0.5  # of several balanced classes, relative to equal shares
_SKEWED: Final = 1.5  # absolute skewness of scores


@dataclass(frozen=True)
class ClassMetric:
    """A metric for classes.

    Attributes:
        name: as in study files.
        why: in a phrase.
        classes: in the order that the metric needs.
        is_balanced: whether the classes are about equally frequent.
    """

    name: str
    why: str
    classes: tuple[str, ...]
    is_balanced: bool


def metric_of_classes(counts: Mapping[str, int]) -> ClassMetric:
    """Propose accuracy for balanced classes, else macro F1, or F1 or MCC if one of two classes is rare.

    Args:
        counts: examples by class, in label order; at least two classes.
    """
    classes, total = tuple(counts), sum(counts.values())
    rare = min(counts, key=counts.__getitem__)
    share = counts[rare] / total
    unequal = f"classes are imbalanced (the smallest has {share:.2g} of the rows)"
    if len(classes) > 2:
        even = 1 / len(classes)
        if max(counts.values()) / total <= _LARGEST * even and share >= _SMALLEST * even:
            return ClassMetric("accuracy", "classes are balanced", classes, True)
        return ClassMetric("f1", f"{unequal}: macro F1 counts all alike", classes, False)
    if share >= _EVEN:
        return ClassMetric("accuracy", "both classes are frequent", classes, True)
    if share >= _RARE:
        return ClassMetric("f1", f"{unequal}: macro F1 counts both alike", classes, False)
    found = ClassMetric("f1_positive", "one class is rare, and its F1 says how well it is found", classes, False)
    if classes[1] == rare:
        return found
    if finite(rare) is None:
        return replace(found, classes=(classes[1], rare))
    return replace(found, name="mcc", why="one class is rare: MCC is 0 for guessing, whatever the shares")


def metric_of_scores(cells: Mapping[str, int]) -> tuple[str, str]:
    """Propose Pearson's correlation, or Spearman's where a few extreme scores would decide the former.

    Args:
        cells: how often each label occurs; what is no number does not count.

    Returns:
        The name of the metric, and why in a phrase.
    """
    found = [(value, count) for cell, count in cells.items() if (value := finite(cell)) is not None]
    values, counts = map(np.asarray, zip(*found, strict=True))
    if abs(_skewness(values.astype(np.float64), counts.astype(np.float64))) > _SKEWED:
        return "spearman", "scores are skewed: ranks count, not a few extreme scores"
    return "pearson", "usual for scores; rmse if the size of errors matters"


def _skewness(values: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> float:
    scale = float(np.abs(values).max()) or 1.0
    values = values / scale  # large scores would overflow
    mean = float(np.average(values, weights=counts))
    deviation = math.sqrt(float(np.average((values - mean) ** 2, weights=counts)))
    return 0.0 if deviation == 0.0 else float(np.average(((values - mean) / deviation) ** 3, weights=counts))

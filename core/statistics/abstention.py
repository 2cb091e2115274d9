"""Answer only where the confidence promises a precision (Geifman & El-Yaniv 2017, arXiv:1705.08500)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.statistics.interval import Interval

__all__ = ["ConfidenceCurve", "Thresholds", "confidence_curves", "find_thresholds"]

_STEPS = 20  # thresholds that are tried for a class
_RISK = 0.1  # of each threshold, to have a lower precision than promised; tests/core/statistics/test_abstention.py


@dataclass(frozen=True)
class ConfidenceCurve:
    """How often one class is right when it is predicted with at least some confidence.

    Attributes:
        confidence: thresholds, rising, (S,); S is at most 20, and 0 for a class that is never predicted. The lowest one
            answers all examples.
        answered: examples with at least this confidence, (S,).
        right: those that are predicted rightly, (S,).
    """

    confidence: tuple[float, ...]
    answered: tuple[int, ...]
    right: tuple[int, ...]

    def first(self, precision: float) -> int | None:
        """Return the place of the lowest threshold that promises a precision, or None.

        A threshold does if the lower limit of its precision, one-sided at 90 % (Clopper & Pearson 1934), reaches it.
        The precision that was counted is not enough: the lowest of many thresholds that reach the target often reaches
        it by luck. In simulations of 200 to 5,000 examples, classes then missed the target in 17 to 54 % of cases, and
        with the limit in 1 to 5 %.
        """
        from scipy import stats

        for step, (answered, right) in enumerate(zip(self.answered, self.right, strict=True)):
            if right and stats.beta.ppf(_RISK, right, answered - right + 1) >= precision:
                return step
        return None


@dataclass(frozen=True)
class Thresholds:
    """The confidence from which each class is answered, and what that means on dev.

    Attributes:
        precision: the target, between 0 and 1.
        of_class: the least confidence, 0 to 1; infinite for a class that is never answered.
        examples: of dev; their confidences are out of sample.
        answered: those of them that are answered.
        right: those of the answered that are right.
    """

    precision: float
    of_class: Mapping[str, float]
    examples: int
    answered: int
    right: int

    @property
    def coverage(self) -> Interval:
        """Return the share of dev that is answered, with its interval (Wilson 1927)."""
        from scipy import stats

        interval = stats.binomtest(self.answered, self.examples).proportion_ci(method="wilson")
        return Interval(self.answered / self.examples, float(interval.low), float(interval.high))


def confidence_curves(
    classes: Sequence[str], probabilities: np.ndarray, gold: np.ndarray
) -> dict[str, ConfidenceCurve]:
    """Count, for each class, what is right at about equal steps of the examples for which it is predicted.

    Args:
        classes: their names, K.
        probabilities: calibrated out of sample, (N, K).
        gold: class indices, (N,).
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64)
    of_class = {name: predicted == index for index, name in enumerate(classes)}
    return {name: _curve(confidence[own], (predicted == gold)[own]) for name, own in of_class.items()}


def _curve(confidence: np.ndarray, right: np.ndarray) -> ConfidenceCurve:
    count = len(confidence)
    if not count:
        return ConfidenceCurve((), (), ())
    order = np.argsort(confidence)
    places = np.unique(np.arange(_STEPS) * count // _STEPS)  # in rising order of confidence
    least = np.unique(confidence[order][places])
    starts = np.searchsorted(confidence[order], least)  # examples of the same confidence are together
    summed = np.append(right[order][::-1].cumsum()[::-1], 0)
    return ConfidenceCurve(
        tuple(least.tolist()), tuple((count - starts).tolist()), tuple(int(one) for one in summed[starts])
    )


def find_thresholds(curves: Mapping[str, ConfidenceCurve], precision: float, examples: int) -> Thresholds:
    """Find the lowest confidence of each class that promises a precision; see :meth:`ConfidenceCurve.first`.

    A class whose predictions are all good enough is answered from 0 on.

    Args:
        curves: of every class.
        precision: above 0 and below 1.
        examples: of dev.

    Raises:
        ValueError: if the precision is not between 0 and 1.
    """
    if not 0 < precision < 1:
        raise ValueError(f"precision must be above 0 and below 1, got {precision}")
    found = {name: curve.first(precision) for name, curve in curves.items()}
    counted = [(curves[name], step) for name, step in found.items() if step is not None]
    return Thresholds(
        precision,
        {name: _least(curves[name], step) for name, step in found.items()},
        examples,
        sum(curve.answered[step] for curve, step in counted),
        sum(curve.right[step] for curve, step in counted),
    )


def _least(curve: ConfidenceCurve, step: int | None) -> float:
    return math.inf if step is None else curve.confidence[step] if step else 0.0

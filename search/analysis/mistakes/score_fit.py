"""Find where predicted scores are off, measured from a fitted line: Pearson ignores their scale and zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.statistics import Interval

__all__ = ["FAR", "GoldRange", "ScoreFit", "fit_line", "gold_ranges", "ranges_sentence"]

FAR = 2.0  # root mean squares
_RANGES = 5
_FEWEST = 5  # examples in a range
_FAMILY = 0.05  # of all ranges together
_NAMED = 3


@dataclass(frozen=True)
class ScoreFit:
    """The line ``intercept + slope * gold`` through predictions, by least squares.

    Attributes:
        slope: in predicted units per gold one; 0 where the gold scores do not vary.
        intercept: in predicted units.
        residuals: predictions minus the line, (N,) float64.
        spread: their root mean square.
    """

    slope: float
    intercept: float
    residuals: np.ndarray
    spread: float

    @property
    def standardised(self) -> np.ndarray:
        """Residuals in root mean squares, (N,); all 0 where predictions are on the line."""
        return np.asarray(self.residuals / self.spread if self.spread > 0.0 else np.zeros_like(self.residuals))


@dataclass(frozen=True)
class GoldRange:
    """Examples whose gold score is from ``low`` to ``high``, with the mean of their residuals.

    The intervals of all ranges of a task hold together in 95 of 100 cases (Bonferroni).
    """

    low: float
    high: float
    count: int
    residual: Interval


def fit_line(predictions: np.ndarray, gold: np.ndarray) -> ScoreFit:
    """Fit the line to predictions (N,) for gold scores (N,)."""
    x, y = gold.astype(np.float64), predictions.astype(np.float64)
    slope = float(np.cov(x, y, bias=True)[0, 1] / x.var()) if np.ptp(x) > 0 else 0.0
    intercept = float(y.mean() - slope * x.mean())
    residuals = y - (intercept + slope * x)
    return ScoreFit(slope, intercept, residuals, float(np.sqrt((residuals**2).mean())))


def gold_ranges(fit: ScoreFit, gold: np.ndarray, score_range: tuple[float, float]) -> list[GoldRange]:
    """Return fifths of the range of gold scores, by rising score, without those of fewer than five examples."""
    edges = np.linspace(*score_range, _RANGES + 1)
    which = np.searchsorted(edges[1:-1], gold, side="right")
    members = [fit.residuals[which == one] for one in range(_RANGES)]
    shown = [one for one in range(_RANGES) if len(members[one]) >= _FEWEST]
    found = []
    for one in shown:
        part = members[one]
        quantile = float(stats.t.ppf(1.0 - _FAMILY / (2 * len(shown)), len(part) - 1))
        mean, half = float(part.mean()), quantile * float(part.std(ddof=1)) / len(part) ** 0.5
        bounds = float(edges[one]), float(edges[one + 1])
        found.append(GoldRange(*bounds, len(part), Interval(mean, mean - half, mean + half)))
    return found


def ranges_sentence(ranges: list[GoldRange]) -> str:
    """Name the ranges that are clearly above or below the line, the farthest first."""
    clear = sorted((one for one in ranges if not one.residual.holds_zero), key=lambda one: -abs(one.residual.value))
    if not clear:
        return "No range of gold scores is clearly predicted too high or too low relative to the fitted line."
    said = "; ".join(_offset(one) for one in clear[:_NAMED])
    return f"Relative to the fitted line, predictions for gold scores {said}."


def _offset(one: GoldRange) -> str:
    size, way = one.residual, "high" if one.residual.value > 0 else "low"
    low, high = sorted((abs(size.low), abs(size.high)))
    return f"from {one.low:g} to {one.high:g} are {abs(size.value):.2f} too {way} [{low:.2f}, {high:.2f}]"

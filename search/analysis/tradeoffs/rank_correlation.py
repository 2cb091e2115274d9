"""Spearman's rank correlation with its interval."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from core.statistics import Interval

__all__ = ["FEWEST", "rank_correlation"]

FEWEST = 6
_UPPER = 0.975


def rank_correlation(x: np.ndarray, y: np.ndarray) -> Interval | None:
    """Correlate n pairs; None for fewer than six, or if x or y is constant.

    The interval is Fisher's, tanh(artanh r ± 1.96 sqrt((1 + r² / 2) / (n - 3))), with the variance of Bonett and Wright
    (2000). A correlation of 1 counts in it as half a step less, a step being two neighbours that change places:
    the interval has a width.
    """
    n = len(x)
    if n < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    r = float(stats.spearmanr(x, y).statistic)
    most = 1.0 - 6.0 / (n**3 - n)
    centre = math.atanh(min(max(r, -most), most))
    half = float(stats.norm.ppf(_UPPER)) * math.sqrt((1.0 + r * r / 2.0) / (n - 3))
    return Interval(r, min(r, math.tanh(centre - half)), max(r, math.tanh(centre + half)))

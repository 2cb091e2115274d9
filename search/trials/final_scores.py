"""Estimate what every trial would score at the end of its training, including those that were pruned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["final_scores"]

_SLOPE_SD = 0.5  # prior of the slope of the gain over the score at a rung: it is rarely beyond -1 or 1
_FEWEST = 3  # trials for a slope


def final_scores(curves: Sequence[Mapping[Any, float]], finals: Sequence[float | None]) -> np.ndarray:
    """Estimate a final score for every trial, (n,).

    A pruned trial's score is that of an early rung. Leaving such trials out would keep only the good ones and hide what
    made the others bad; taking the early score for the final one would attribute the missing training to the settings.
    So a pruned trial gets the score that it is expected to reach: its last score v plus the gain of the trials that
    continued from the same rung, as a linear function of v. Pruning decides by v alone, so given v the trials that
    continued represent those that did not (missing at random; Little & Rubin 2019, sec. 1.3). Rungs are processed from
    the last to the first; trials pruned later count at earlier rungs with their estimated score.

    The slope has the prior N(0, 0.5²): with few trials, all get nearly the same gain. An estimate is never below the
    best score that the trial has reached, because a finished trial's score is that of its best rung; unless some have
    been better at an early rung, which means that only the last one counts (``eval.early_share``).

    Args:
        curves: each trial's overall score by rung, at least one rung; of runs of different lengths, by the share of the
            run.
        finals: its final score; None for one that was pruned.
    """
    found = np.array([np.nan if final is None else final for final in finals])
    last = np.array([max(curve) for curve in curves], dtype=np.float64)
    pruned = np.isnan(found)
    highest = np.array([max(curve.values()) for curve in curves], dtype=np.float64)
    is_best_kept = bool((found[~pruned] >= highest[~pruned] - 1e-9).all())
    for rung in sorted(set(last[pruned].tolist()), reverse=True):
        stopped = np.flatnonzero(pruned & (last == rung)).tolist()
        went_on = [i for i, curve in enumerate(curves) if rung in curve and not np.isnan(found[i])]
        here = np.array([curves[i][rung] for i in went_on])
        there = np.array([curves[i][rung] for i in stopped])
        expected = there + _gain(here, found[went_on] - here, there)
        found[stopped] = np.maximum(highest[stopped], expected) if is_best_kept else expected
    return found


def _gain(scores: np.ndarray, gains: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Estimate the gains of trials that score ``where`` from the gains of trials that scored ``scores``."""
    if not len(scores):
        return np.zeros(len(where))
    centred, slope = scores - scores.mean(), 0.0
    squares = float(centred @ centred)
    if len(scores) >= _FEWEST and squares > 0.0:
        product = float(centred @ gains)
        left = gains - gains.mean() - product / squares * centred
        noise = float(left @ left) / (len(scores) - 2)
        slope = product / (squares + noise / _SLOPE_SD**2)
    return np.asarray(gains.mean() + slope * (where - scores.mean()))

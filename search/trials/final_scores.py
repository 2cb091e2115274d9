"""What every trial scores at the end of its training, those that were stopped early included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["final_scores"]

_SLOPE_SD = 0.5  # of the gain's slope over the score at a rung, before any trial is seen: it is rarely beyond -1 or 1
_FEWEST = 3  # trials for a slope


def final_scores(curves: Sequence[Mapping[int, float]], finals: Sequence[float | None]) -> np.ndarray:
    """A final score for every trial, (n,).

    A pruned trial's score is that of an early rung. Leaving such trials out would keep the good ones only and hide
    what made the others bad; taking the early score for the final one would count the missing training as the
    settings' doing. So a pruned trial gets the score that it may be expected to have reached: its last one, v, and the
    gain of the trials that were at the same rung and went on, as a line in v. Pruning decides by v alone, so that given
    v those who went on speak for those who did not (missing at random; Little & Rubin 2019, sec. 1.3). Rungs are gone
    through from the last to the first, and trials pruned later count at earlier rungs with the score they were given.

    The line's slope has the prior N(0, 0.5²): few trials give all the same gain. A trial's score is never below what it
    has reached, as a finished trial's is that of its best rung.

    Args:
        curves: each trial's overall score by rung, at least one rung.
        finals: its final score; None for one that was pruned.
    """
    found = np.array([np.nan if final is None else final for final in finals])
    last = np.array([max(curve) for curve in curves], dtype=np.int64)
    pruned = np.isnan(found)
    for rung in sorted(set(last[pruned].tolist()), reverse=True):
        stopped = np.flatnonzero(pruned & (last == rung)).tolist()
        went_on = [i for i, curve in enumerate(curves) if rung in curve and not np.isnan(found[i])]
        here = np.array([curves[i][rung] for i in went_on])
        there = np.array([curves[i][rung] for i in stopped])
        best = np.array([max(curves[i].values()) for i in stopped])
        found[stopped] = np.maximum(best, there + _gain(here, found[went_on] - here, there))
    return found


def _gain(scores: np.ndarray, gains: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The gain to expect of trials that score ``where``, from the gains of trials that scored ``scores``."""
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

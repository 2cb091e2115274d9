"""Estimate means by local linear regression, which assumes no shape of the curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.spatial.distance import cdist

__all__ = ["Smoothed", "smooth"]

_WIDTH = 0.4  # of the window at one observation; wider ones flatten the curve by more than its band shows
_NEAREST = 3  # a window has at least this many observations more than dimensions
_RIDGE = 1e-3  # of a window's spread: if all its observations are at one point, the slope is 0
_JUDGED = 200  # observations at which the noise is measured, at most
_LEVEL = 0.95
_DRAWS = 4000
_SEED = 3
_SAME = 1e-9  # of the largest: points that differ by less are one


@dataclass(frozen=True)
class Smoothed:
    """Means at some points, as weighted sums of n observations.

    Attributes:
        means: means at the points, (points,).
        weights: weights of the observations, (points, n).
        noise: standard deviation of the observations around the curve.
        freedom: residual degrees of freedom, from which ``noise`` was estimated.
    """

    means: np.ndarray
    weights: np.ndarray
    noise: float
    freedom: float

    @property
    def half_widths(self) -> np.ndarray:
        """Half widths of the means' 95 % intervals, (points,); each holds for its own mean only."""
        quantile = stats.t.ppf(0.5 + _LEVEL / 2.0, self.freedom)
        return np.asarray(quantile * self.noise * np.linalg.norm(self.weights, axis=1))

    def gap_half_widths(self) -> np.ndarray:
        """Return half widths of the 95 % intervals of the differences of any two means, (points, points).

        They hold for all pairs together, and so for a pair that was chosen for its difference. The quantile is that of
        the largest |t| among all pairs if only chance makes means differ: Tukey's method, by simulation, since here the
        means share observations.
        """
        rng = np.random.default_rng(_SEED)
        _, factor = np.linalg.qr(self.weights.T)  # factor.T @ factor is the means' covariance
        errors = factor.T @ rng.standard_normal((len(factor), _DRAWS))  # (points, draws)
        spreads = cdist(self.weights, self.weights)  # standard deviations of the differences, in units of the noise
        largest = np.zeros(_DRAWS)
        for at in range(len(errors) - 1):
            spread, others = spreads[at, at + 1 :], errors[at + 1 :]
            differ = spread > _SAME * spreads.max()
            ratios = np.abs(others[differ] - errors[at]) / spread[differ, None]
            largest = np.maximum(largest, ratios.max(axis=0, initial=0.0))
        largest /= np.sqrt(rng.chisquare(self.freedom, _DRAWS) / self.freedom)
        return np.asarray(float(np.quantile(largest, _LEVEL)) * self.noise * spreads)


def smooth(places: np.ndarray, observed: np.ndarray, points: np.ndarray) -> Smoothed:
    """Estimate local linear means (Fan & Gijbels 1996, sec. 2.3).

    Weights are tricube, in a window of 0.4 n^(-1 / (4 + D)).
    Windows with too few observations grow until they hold D + 3. The noise is taken to be the same everywhere.

    Args:
        places: places of the observations, (n, D), on scales from about 0 to 1; n >= 3.
        observed: observations, (n,).
        points: places of the means, (points, D).
    """
    judged = np.unique(np.linspace(0, len(places) - 1, min(len(places), _JUDGED)).astype(np.int64))
    own = _weights(places, places[judged])
    freedom = max(len(places) * (1.0 - float(own[np.arange(len(judged)), judged].mean())), 1.0)
    left = observed[judged] - own @ observed
    variance = float((left**2).mean()) * len(places) / freedom
    weights = _weights(places, points)
    return Smoothed(weights @ observed, weights, float(np.sqrt(variance)), freedom)


def _weights(places: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Compute the linear smoother's matrix, (points, n)."""
    count, dimensions = places.shape
    distances = cdist(points, places)  # (points, n)
    nearest = np.sort(distances, axis=1)[:, min(dimensions + _NEAREST, count) - 1]
    # A little wider, so that the farthest of them has a weight too.
    width = np.maximum(_WIDTH * count ** (-1.0 / (4 + dimensions)), 1.05 * nearest)[:, None]
    kernel = np.clip(1.0 - (distances / width) ** 3, 0.0, None) ** 3
    away = places[None] - points[:, None]  # (points, n, D)
    design = np.concatenate([np.ones((*away.shape[:2], 1)), away], axis=2)  # (points, n, 1 + D)
    weighted = design * kernel[:, :, None]
    moments = np.einsum("pni,pnj->pij", weighted, design)
    ridge = _RIDGE * kernel.sum(axis=1) * width[:, 0] ** 2
    for d in range(1, dimensions + 1):
        moments[:, d, d] += ridge
    first = np.zeros((len(points), dimensions + 1, 1))
    first[:, 0] = 1.0
    solved = np.linalg.solve(moments, first)[:, :, 0]  # the first row of the inverse, (points, 1 + D)
    return np.asarray(np.einsum("pni,pi->pn", weighted, solved))

"""Measure whether predicted probabilities are right as often as they claim (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.statistics.bootstrap import drawn_counts
from core.statistics.interval import Interval
from core.statistics.temperature import TemperatureFit, fit_out_of_sample
from data.metrics.classes import predicted_classes

__all__ = ["Calibration", "CalibrationBin", "calibration_of"]

_FEWEST_BINS, _MOST_BINS, _PER_BIN = 5, 10, 40
_RESAMPLES, _FEWEST_RESAMPLES = 1000, 200
_DRAWN = 20_000_000  # examples in all resamples together, about a second
_UPPER = 0.975
_DEVIATIONS = 2.4  # each way: with the normal 1.96 the interval held the truth in 91 % of simulated cases


@dataclass(frozen=True)
class CalibrationBin:
    """Examples of about the same confidence.

    Attributes:
        confidence: its mean.
        accuracy: the share of them that are right.
        low, high: 95 % interval of the accuracy (Wilson 1927).
        count: how many they are.
    """

    confidence: float
    accuracy: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """How the probability of the predicted class, the confidence, compares to how often that class is right.

    Attributes:
        bins: by rising confidence, each of about as many examples.
        error: expected calibration error (ECE) over the bins: the mean of |accuracy - confidence|, weighted by the
            examples in a bin, 0 to 1.
        chance: the ECE that perfect probabilities would show on as many examples, on average.
        gap: mean confidence minus accuracy; above 0 is overconfident.
        fit: the temperature that would correct it, if one can be fitted.
        error_tempered: the ECE with temperatures that were fitted to other examples, see
            :func:`core.statistics.temperature.fit_out_of_sample`; it is equal to ``error`` where none can be fitted.
    """

    bins: tuple[CalibrationBin, ...]
    error: Interval
    chance: float
    gap: Interval
    fit: TemperatureFit
    error_tempered: Interval


def calibration_of(probabilities: np.ndarray, gold: np.ndarray, rng: np.random.Generator) -> Calibration:
    """Measure the calibration of predicted classes.

    ECE is never below 0, so chance makes it too large, and quantiles of resamples even more. Its interval is 2.4
    standard deviations of the resamples each way, about the ECE less the bias that they show. It begins at 0 where
    perfect probabilities, with right and wrong drawn from them, would show as large an ECE in more than 2.5 % of draws,
    but not below the least gap: no binning has an ECE below |gap|.

    Args:
        probabilities: of the classes, (N, K).
        gold: class indices, (N,).
        rng: for the resamples and folds.
    """
    confidence, right = _top(probabilities, gold)
    bins = equal_mass_bins(confidence)
    gap = _gap(confidence - right)
    error, chance = _measure(bins, confidence, right, rng)
    (rng,) = rng.spawn(1)  # what follows draws none of the caller's numbers
    fit = fit_out_of_sample(probabilities, gold, rng)
    tempered = error
    if not fit.reason:
        confidence_then, _ = _top(fit.held_out, gold)
        tempered, _ = _measure(equal_mass_bins(confidence_then), confidence_then, right, rng)
    return Calibration(
        tuple(_bin(confidence[bins == one], right[bins == one]) for one in range(int(bins.max()) + 1)),
        error,
        chance,
        gap,
        fit,
        tempered,
    )


def _gap(excess: np.ndarray) -> Interval:
    from scipy import stats

    half = float(stats.norm.ppf(_UPPER) * excess.std() / math.sqrt(len(excess)))
    return Interval(float(excess.mean()), float(excess.mean()) - half, float(excess.mean()) + half)


def _measure(
    bins: np.ndarray, confidence: np.ndarray, right: np.ndarray, rng: np.random.Generator
) -> tuple[Interval, float]:
    """Return the ECE, and the mean ECE of perfect probabilities."""
    excess = confidence - right  # (N,)
    gap = _gap(excess)
    least = 0.0 if gap.holds_zero else min(abs(gap.low), abs(gap.high))
    error, chance = _error_interval(bins, confidence, excess, _error(bins, excess), rng)
    return Interval(error.value, max(error.low, least), error.high), chance


def equal_mass_bins(confidence: np.ndarray) -> np.ndarray:
    """Assign each example to a bin, from 0, (N,) int64, as scikit-learn does with ``strategy="quantile"``.

    There are 10 bins, or fewer, but at least 5, where they would have less than 40 examples. No bin is empty. Examples
    with the same confidence are in the same bin.
    """
    count = min(_MOST_BINS, max(_FEWEST_BINS, len(confidence) // _PER_BIN))
    edges = np.quantile(confidence, np.linspace(0.0, 1.0, count + 1))
    return np.asarray(np.unique(np.searchsorted(edges[1:-1], confidence), return_inverse=True)[1])


def _top(probabilities: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence, and whether the prediction is right as 0.0 or 1.0, (N,) float64 each."""
    return probabilities.max(axis=1).astype(np.float64), (predicted_classes(probabilities) == gold).astype(np.float64)


def _bin(confidence: np.ndarray, right: np.ndarray) -> CalibrationBin:
    from scipy import stats

    interval = stats.binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return CalibrationBin(
        float(confidence.mean()), float(right.mean()), float(interval.low), float(interval.high), len(right)
    )


def _error(bins: np.ndarray, excess: np.ndarray) -> float:
    return float(np.abs(np.bincount(bins, excess)).sum() / len(excess))


def _error_interval(
    bins: np.ndarray, confidence: np.ndarray, excess: np.ndarray, ece: float, rng: np.random.Generator
) -> tuple[Interval, float]:
    """Estimate the interval of the ECE, and the mean ECE of perfect probabilities."""
    size = len(excess)
    resamples = min(_RESAMPLES, max(_FEWEST_RESAMPLES, _DRAWN // size))
    member = np.equal.outer(bins, np.arange(bins.max() + 1)).astype(np.float64)  # (N, bins)
    found, perfect = np.empty(resamples), np.empty(resamples)
    step = max(1, _DRAWN // (10 * size))
    for start in range(0, resamples, step):
        some = slice(start, min(resamples, start + step))
        counts = drawn_counts(some.stop - some.start, size, rng)
        found[some] = np.abs(counts @ (member * excess[:, None])).sum(axis=1) / size
        drawn_right = rng.random(counts.shape) < confidence
        perfect[some] = np.abs((confidence - drawn_right) @ member).sum(axis=1) / size
    centre = ece - (float(found.mean()) - ece)
    half = _DEVIATIONS * float(found.std(ddof=1))
    is_chance = ece <= float(np.quantile(perfect, _UPPER))
    low = 0.0 if is_chance else max(0.0, centre - half)
    return Interval(ece, low, max(ece, centre + half)), float(perfect.mean())

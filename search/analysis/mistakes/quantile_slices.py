"""Split examples into quarters by a property, such as their length, to compare errors between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.statistics import Interval

__all__ = [
    "Property",
    "Quarter",
    "difference",
    "properties",
    "quarter_of",
    "quarters",
    "quarters_sentence",
    "range_text",
    "word_counts",
    "word_overlap",
]

_UPPER = 0.975


@dataclass(frozen=True)
class Property:
    """A property in which examples differ.

    Attributes:
        unit: of the values.
        values: (N,).
        least: text that names the examples with the smallest values.
        most: text that names those with the largest.
    """

    name: str
    unit: str
    values: np.ndarray
    least: str
    most: str


@dataclass(frozen=True)
class Quarter:
    """About a fourth of the examples.

    Attributes:
        low, high: smallest and largest value of the property among them.
        errors: of the examples: 0 or 1 for right or wrong, or distances.
        error: mean of the errors, with its interval.
    """

    low: float
    high: float
    errors: np.ndarray
    error: Interval


def properties(examples: Sequence[tuple[str, ...]]) -> list[Property]:
    """Return the length and, for pairs, the share of words that both sentences contain."""
    words = word_counts(examples)
    found = [Property("length", "words", words, "shortest", "longest examples")]
    if len(examples[0]) > 1:
        shared = 100.0 * word_overlap(examples)
        least, most = "pairs with the fewest", "pairs with the most words in common"
        found.append(Property("words in common", "%", shared, least, most))
    return found


def word_counts(examples: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Count the words of each example, separated by blanks, over both sentences of a pair, (N,)."""
    return np.array([sum(len(one.split()) for one in example) for example in examples])


def word_overlap(pairs: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Compute the Jaccard index of both sentences' sets of words, ignoring case, 0 to 1, (N,)."""
    found = []
    for one, other in pairs:
        a, b = set(one.casefold().split()), set(other.casefold().split())
        found.append(len(a & b) / len(a | b) if a | b else 1.0)
    return np.array(found)


def quarters(values: np.ndarray, errors: np.ndarray) -> list[Quarter]:
    """Split examples by rising value; equal values stay together, so there may be fewer than four quarters.

    Intervals are Wilson's for errors of 0 and 1, and Student's for others.

    Args:
        values: of the property, (N,).
        errors: 0.0 or 1.0, or distances, (N,).
    """
    which = quarter_of(values)
    parts = [which == one for one in np.unique(which)]
    return [
        Quarter(float(values[part].min()), float(values[part].max()), errors[part], _mean(errors[part]))
        for part in parts
    ]


def quarter_of(values: np.ndarray) -> np.ndarray:
    """Return the quarter that each value (N,) belongs to, 0 to 3, (N,) int64; equal values are in the same one."""
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75]))
    return np.asarray(np.searchsorted(edges, values))


def difference(last: Quarter, first: Quarter) -> Interval:
    """Return the mean error in ``last`` minus that in ``first``, with Welch's interval."""
    gap = last.error.value - first.error.value
    parts = [one.errors for one in (last, first)]
    if min(map(len, parts)) < 2:
        return Interval(gap, -np.inf, np.inf)
    variances = [float(part.var(ddof=1)) / len(part) for part in parts]
    total = sum(variances)
    if total == 0.0:
        return Interval(gap, gap, gap)
    freedom = total**2 / sum(v**2 / (len(part) - 1) for v, part in zip(variances, parts, strict=True))
    half = float(stats.t.ppf(_UPPER, freedom)) * total**0.5
    return Interval(gap, gap - half, gap + half)


def quarters_sentence(parts: Sequence[Quarter], by: Property, *, is_rate: bool) -> str:
    """Compare the errors in the last quarter of the examples with those in the first.

    Args:
        parts: at least two quarters, by rising value of the property.
        is_rate: whether errors are wrong classes instead of distances.
    """
    first, last = parts[0], parts[-1]
    gap = difference(last, first)
    scale, digits, unit = (100.0, 0, " %") if is_rate else (1.0, 2, "")
    more, less = (f"{scale * one.error.value:.{digits}f}{unit}" for one in (last, first))
    interval = f"{scale * gap.low:+.{digits}f} to {scale * gap.high:+.{digits}f}{' points' if is_rate else ''}"
    verdict = "this may be chance" if gap.holds_zero else f"clearly {'more' if gap.value > 0 else 'less'}"
    what = "Error rate" if is_rate else "Mean distance from the line"
    most, least = f"the {by.most} ({range_text(last)} {by.unit})", f"the {by.least} ({range_text(first)})"
    return f"{what}: {more} for {most}, {less} for {least}; {verdict} (95 % interval of the difference {interval})."


def range_text(part: Quarter) -> str:
    """Write the range of a quarter's values: ``5 to 11``."""
    low, high = f"{part.low:.0f}", f"{part.high:.0f}"
    return low if low == high else f"{low} to {high}"


def _mean(errors: np.ndarray) -> Interval:
    mean, count = float(errors.mean()), len(errors)
    if np.isin(errors, (0.0, 1.0)).all():
        interval = stats.binomtest(int(errors.sum()), count).proportion_ci(method="wilson")
        return Interval(mean, float(interval.low), float(interval.high))
    if count < 2:
        return Interval(mean, mean, mean)
    half = float(stats.t.ppf(_UPPER, count - 1) * errors.std(ddof=1)) / count**0.5
    return Interval(mean, mean - half, mean + half)

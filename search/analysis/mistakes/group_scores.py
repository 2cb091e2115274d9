"""Score groups of dev examples, each compared with all other examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from core.statistics import Interval, own_metric
from data.metrics import Metric
from data.tasks import TaskSpec
from search.analysis.dev_bootstrap import task_replicates
from search.analysis.mistakes.groups import FEWEST, Group

__all__ = ["GroupScore", "group_scores"]

_LEVEL = 0.95
_LARGE = 500.0  # the exponential of more may overflow


@dataclass(frozen=True)
class GroupScore:
    """The score of a group of examples, and its difference to the rest.

    Attributes:
        group: the examples.
        score: the task's own metric; None if it is undefined for these examples.
        low, high: its 95 % interval; None if unknown.
        rest: the metric on all other examples; None if it is undefined or there are none.
        difference: score minus ``rest``, with an interval that holds for all groups together; None if not compared.
        note: why something is missing; empty if nothing is.
        gain: how much better the group is than the rest, in the metric's unit; 0 if it is not compared.
    """

    group: Group
    score: float | None
    low: float | None
    high: float | None
    rest: float | None
    difference: Interval | None
    note: str
    gain: float = 0.0

    @property
    def verdict(self) -> str:
        """``clearly worse``, ``clearly better``, ``may be chance``; empty if the group is not compared."""
        if self.difference is None:
            return ""
        if self.difference.holds_zero:
            return "may be chance"
        return "clearly better" if self.gain > 0 else "clearly worse"


def group_scores(
    spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray, groups: Sequence[Group]
) -> list[GroupScore]:
    """Score the groups, in their order.

    Accuracies have Wilson's interval, and their differences Newcombe's, which combines those of both accuracies
    (Newcombe 1998, method 10). Other metrics have t(df) times the standard deviation over 1,000 resamples of the
    examples: n - 1 degrees of freedom for a score, Welch's for a difference. The intervals of the differences of all
    groups hold together in 95 of 100 cases (Bonferroni). Groups of fewer than 20 examples, or that leave fewer, are not
    compared.

    Args:
        spec: the task.
        predictions: class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
        groups: disjoint; together they have all N examples.
    """
    measured = [_Measured.of(spec, predictions, gold, one.places) for one in groups]
    rests = [_Measured.of(spec, predictions, gold, np.setdiff1d(np.arange(len(gold)), one.places)) for one in groups]
    compared = [
        all(one.count >= FEWEST and one.has_spread for one in pair) for pair in zip(measured, rests, strict=True)
    ]
    # The rest of one of two groups is the other: both differences are the same one.
    count = 1 if len(groups) == 2 else sum(compared)
    return [
        _compare(spec, group, one, rest, count if is_compared else 0)
        for group, one, rest, is_compared in zip(groups, measured, rests, compared, strict=True)
    ]


@dataclass(frozen=True)
class _Measured:
    """Examples with their score.

    Attributes:
        count: number of examples.
        score: None if undefined.
        undefined: why the score is None; empty if it is not.
        right: number of right predictions if the metric is an accuracy, else None.
        deviation: standard deviation of the score over resamples; 0 if that does not say how far it may move.
    """

    count: int
    score: float | None = None
    undefined: str = ""
    right: int | None = None
    deviation: float = 0.0

    @classmethod
    def of(cls, spec: TaskSpec, predictions: np.ndarray, gold: np.ndarray, places: np.ndarray) -> _Measured:
        own, labels, metric = predictions[places], gold[places], spec.metric
        if not len(places):
            return cls(0, None, "there are no examples")
        if why := metric.undefined(spec, own, labels):
            return cls(len(places), None, why)
        score = own_metric(spec, own, labels)
        if metric.is_right is not None:
            return cls(len(places), score, "", int(metric.is_right(own, labels).sum()))
        count = len(places)
        if count < 2 or score in metric.bounds:  # a perfect score is perfect in every resample
            return cls(count, score)
        replicates = task_replicates(spec, [own], labels)[:, 0]
        # Resamples of n examples vary less than n new ones: the variance of a mean is too small by (n - 1) / n.
        return cls(count, score, "", None, float(replicates.std(ddof=1)) * (count / (count - 1)) ** 0.5)

    @property
    def has_spread(self) -> bool:
        """Return whether it is known how far other examples may move the score."""
        return self.right is not None or self.deviation > 0.0

    def interval(self, metric: Metric, level: float) -> Interval:
        """Return the score with its interval, which lies within the bounds of the metric."""
        assert self.score is not None, "an undefined score has no spread"
        if self.right is not None:
            found = stats.binomtest(self.right, self.count).proportion_ci(level, method="wilson")
            return Interval(self.score, float(found.low), float(found.high))
        half = float(stats.t.ppf((1.0 + level) / 2.0, self.count - 1)) * self.deviation
        return Interval(self.score, *_ends(self.score, half, *metric.bounds))


def _ends(score: float, half: float, low: float, high: float) -> tuple[float, float]:
    """Return the ends of an interval that lies within the bounds: ``score`` ± ``half`` on a scale without bounds.

    With two bounds, this is the logit of the score's place between them, of a correlation twice Fisher's z; with one,
    the logarithm of the distance from it. The width there is ``half`` times the scale's slope at the score.
    """
    if math.isinf(low) and math.isinf(high):
        return score - half, score + half
    if math.isinf(low):
        end, other = _ends(-score, half, -high, -low)
        return -other, -end
    above, below = score - low, high - score
    if math.isinf(high):
        factor = math.exp(min(half / above, _LARGE))
        return low + above / factor, low + above * factor
    logit, spread = math.log(above / below), half * (high - low) / (above * below)
    ends = special.expit([logit - spread, logit + spread])
    return low + (high - low) * float(ends[0]), low + (high - low) * float(ends[1])


def _compare(spec: TaskSpec, group: Group, one: _Measured, rest: _Measured, comparisons: int) -> GroupScore:
    """Make a row; a group that is not compared has 0 comparisons."""
    metric = spec.metric
    interval = one.interval(metric, _LEVEL) if one.has_spread else None
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    difference, gain = None, 0.0
    if comparisons:
        assert one.score is not None, "a score that is compared is defined"
        assert rest.score is not None, "a score that is compared is defined"
        difference = _difference(metric, one, rest, 1.0 - (1.0 - _LEVEL) / comparisons)
        gain = metric.gain(one.score, rest.score)
    return GroupScore(group, one.score, low, high, rest.score, difference, _note(one, rest), gain)


def _difference(metric: Metric, one: _Measured, rest: _Measured, level: float) -> Interval:
    a, b = one.interval(metric, level), rest.interval(metric, level)
    gap = a.value - b.value
    low = gap - math.hypot(a.value - a.low, b.high - b.value)
    return Interval(gap, low, gap + math.hypot(a.high - a.value, b.value - b.low))


def _note(one: _Measured, rest: _Measured) -> str:
    if one.undefined:
        return f"undefined: {one.undefined}"
    if not rest.count:
        return "there is no rest"
    if rest.undefined:
        return f"undefined for the rest: {rest.undefined}"
    if one.count < FEWEST:
        return f"fewer than {FEWEST} examples"
    if rest.count < FEWEST:
        return f"a rest of fewer than {FEWEST} examples"
    return "" if one.has_spread and rest.has_spread else "no interval: the score is the same in every resample"

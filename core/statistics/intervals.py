"""Estimate intervals of mean scores over runs that differ only in their seed, and of differences of such means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.statistics.unusual_spreads import unusual_spreads

__all__ = ["ScoreIntervals", "pooled_variance"]


def pooled_variance(groups: Sequence[np.ndarray]) -> np.ndarray:
    """Pool the sample variances about each group's own mean: all squared deviations over all degrees of freedom.

    Args:
        groups: (..., n) each, n of its own; at least one n is 2 or more.

    Returns:
        (...), the same leading axes.
    """
    squares = sum(((group - group.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) for group in groups)
    return np.asarray(squares / _freedom(groups))


class ScoreIntervals:
    """How far chance may move the mean scores of configurations, each trained with n seeds.

    Two things are chance: the dev examples, and the seeds. The variance of a configuration's mean is

        v = v_examples + max(0, s² - e) / n

    v_examples is the variance of the mean over its replicates. s² is the variance over seeds, pooled over all
    configurations. Part of s² is the examples' doing: two seeds differ on these N examples by more than they would on
    all there are, and v_examples holds that already. e is this part: the same pooled variance, in the replicates about
    their means. It may be nearly all of s² (Jordan 2023, arXiv:2304.01910), so leaving it in would count it twice.

    A configuration whose runs differ so much that they cannot have the others' spread is not pooled with them
    (:func:`core.statistics.unusual_spreads`): one run that failed to learn would widen the intervals of all. Such a
    configuration has an s² and an e of its own, from its own runs.

    The half width is t((1 + level) / 2, df) sqrt(v). v_examples counts as known and s² has df_s = sum of (n - 1)
    degrees of freedom, so by Welch and Satterthwaite df = df_s max(1, v / (s² / n))². For a difference of two
    configurations, v_examples is the variance of the difference over paired replicates, and 1 / n_1 + 1 / n_2 stands
    for 1 / n; where their s² are not the same one, their terms are added, and df = max(v, a_1 + a_2)² /
    (a_1² / df_1 + a_2² / df_2) with a = s² / n. Seeds count as independent, also where two configurations have the same
    ones.

    Args:
        scores: of each configuration, one for each run, (n,).
        replicates: of each configuration, (replicates, n), the rows of all on the same resampled examples; None: what
            the dev examples do is not known, and v_examples = e = 0.

    Attributes:
        apart: places of the configurations with an s² of their own, in ascending order.
        seeds_known: whether any configuration has two runs; without, s² = 0 and df is infinite.
        examples_known: whether there are replicates.
    """

    def __init__(
        self, scores: Sequence[np.ndarray], replicates: Sequence[np.ndarray] | None, level: float = 0.95
    ) -> None:
        self._upper = (1.0 + level) / 2.0
        self._runs = [len(one) for one in scores]
        self._means = None if replicates is None else [one.mean(axis=1) for one in replicates]  # (replicates,) each
        self.apart = unusual_spreads(scores)
        pooled = _Spread.of([place for place in range(len(scores)) if place not in self.apart], scores, replicates)
        self._spreads = [
            _Spread.of([place], scores, replicates) if place in self.apart else pooled for place in range(len(scores))
        ]

    @property
    def seeds_known(self) -> bool:
        """Return whether the intervals include the spread over seeds."""
        return any(spread.freedom > 0 for spread in self._spreads)

    @property
    def examples_known(self) -> bool:
        """Return whether the intervals include the choice of dev examples."""
        return self._means is not None

    def half_width(self, which: int) -> float | None:
        """Return half the width of the interval of a configuration's mean; None if nothing is known about chance."""
        return self._half(None if self._means is None else self._means[which], [which])

    def difference_half_width(self, one: int, other: int) -> float | None:
        """Return half the width of the interval of a difference of two means; None if nothing is known about chance."""
        return self._half(None if self._means is None else self._means[one] - self._means[other], [one, other])

    def _half(self, means: np.ndarray | None, places: Sequence[int]) -> float | None:
        from scipy import stats

        if not (self.seeds_known or self.examples_known):
            return None
        shares: dict[_Spread, float] = {}
        for place in places:
            shares[self._spreads[place]] = shares.get(self._spreads[place], 0.0) + 1.0 / self._runs[place]
        examples = 0.0 if means is None else float(means.var(ddof=1))
        variance = examples + sum(max(0.0, spread.s2 - spread.e) * share for spread, share in shares.items())
        seeds = {spread: spread.s2 * share for spread, share in shares.items() if spread.s2 > 0}
        uncertainty = sum(part**2 / spread.freedom for spread, part in seeds.items())
        freedom = max(variance, sum(seeds.values())) ** 2 / uncertainty if uncertainty > 0 else np.inf
        return float(stats.t.ppf(self._upper, freedom) * np.sqrt(variance))


@dataclass(frozen=True, eq=False)
class _Spread:
    """The variance over seeds that some configurations have in common; compared by identity.

    Attributes:
        s2: pooled over them; 0 where each has one run.
        e: the part of it that is the examples'.
        freedom: degrees of s2.
    """

    s2: float
    e: float
    freedom: int

    @classmethod
    def of(
        cls, places: Sequence[int], scores: Sequence[np.ndarray], replicates: Sequence[np.ndarray] | None
    ) -> _Spread:
        groups = [scores[place] for place in places]
        freedom = _freedom(groups)
        if freedom == 0:
            return cls(0.0, 0.0, 0)
        drawn = [] if replicates is None else [replicates[place] for place in places]
        e = float(pooled_variance([one - one.mean(axis=0) for one in drawn]).mean()) if drawn else 0.0
        return cls(float(pooled_variance(groups)), e, freedom)


def _freedom(groups: Sequence[np.ndarray]) -> int:
    return sum(group.shape[-1] - 1 for group in groups)

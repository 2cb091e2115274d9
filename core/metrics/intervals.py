"""Intervals of mean scores over runs that differ in their seed only, and of their differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

__all__ = ["ScoreIntervals", "pooled_variance"]


def pooled_variance(groups: Sequence[np.ndarray]) -> np.ndarray:
    """Sample variance about each group's own mean, pooled: all squared deviations over all degrees of freedom.

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

    The half width is t((1 + level) / 2, df) sqrt(v). v_examples counts as known and s² has df_s = sum of (n - 1)
    degrees of freedom, so by Welch and Satterthwaite df = df_s (v / (s² / n))². For a difference of two configurations,
    v_examples is the variance of the difference over paired replicates, and 1 / n_1 + 1 / n_2 stands for 1 / n. Seeds
    count as independent, also where two configurations have the same ones.

    Args:
        scores: of each configuration, one for each run, (n,).
        replicates: of each configuration, (replicates, n), the rows of all on the same resampled examples; None: what
            the dev examples do is not known, and v_examples = e = 0.

    Attributes:
        seeds_known: whether any configuration has two runs; without, s² = 0 and df is infinite.
        examples_known: whether there are replicates.
    """

    def __init__(
        self, scores: Sequence[np.ndarray], replicates: Sequence[np.ndarray] | None, level: float = 0.95
    ) -> None:
        self._upper = (1.0 + level) / 2.0
        self._runs = [len(one) for one in scores]
        self._freedom = _freedom(scores)
        self._means = None if replicates is None else [one.mean(axis=1) for one in replicates]  # (replicates,) each
        self._s2 = self._e = 0.0
        if self.seeds_known:
            self._s2 = float(pooled_variance(scores))
            if replicates is not None:
                self._e = float(pooled_variance([one - one.mean(axis=0) for one in replicates]).mean())

    @property
    def seeds_known(self) -> bool:
        """Whether the spread over seeds is in the intervals."""
        return self._freedom > 0

    @property
    def examples_known(self) -> bool:
        """Whether the dev examples are in the intervals."""
        return self._means is not None

    def half_width(self, which: int) -> float | None:
        """Of the interval of a configuration's mean; None where nothing is known of chance."""
        means = None if self._means is None else self._means[which]
        return self._half(means, 1.0 / self._runs[which])

    def difference_half_width(self, one: int, other: int) -> float | None:
        """Of the interval of the difference of two configurations' means; None where nothing is known of chance."""
        means = None if self._means is None else self._means[one] - self._means[other]
        return self._half(means, 1.0 / self._runs[one] + 1.0 / self._runs[other])

    def _half(self, means: np.ndarray | None, share: float) -> float | None:
        if not (self.seeds_known or self.examples_known):
            return None
        examples = 0.0 if means is None else float(means.var(ddof=1))
        variance = examples + max(0.0, self._s2 - self._e) * share
        seeds = self._s2 * share
        freedom = self._freedom * max(1.0, variance / seeds) ** 2 if seeds > 0 else np.inf
        return float(stats.t.ppf(self._upper, freedom) * np.sqrt(variance))


def _freedom(groups: Sequence[np.ndarray]) -> int:
    return sum(group.shape[-1] - 1 for group in groups)

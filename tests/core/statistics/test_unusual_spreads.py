"""Groups whose spread differs from that of the others: by hand, at the edges, and their effect on intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.statistics import ScoreIntervals, unusual_spreads
from tests.core.statistics.collapsed_runs_simulation import Case

PLAIN = np.array([0.795, 0.80, 0.805])
ONE_FAILED = np.array([0.80, 0.50, 0.805])


def plain(count: int) -> list[np.ndarray]:
    return [PLAIN + 0.01 * place for place in range(count)]


def test_a_group_with_one_failed_run() -> None:
    assert unusual_spreads(plain(8)) == ()
    assert unusual_spreads([*plain(3), ONE_FAILED, *plain(4)]) == (3,)


def test_failed_runs_do_not_hide_one_another() -> None:
    """Against the rest with two failed runs in it, the first has F = 3, and would be as usual as any."""
    groups = [ONE_FAILED, *plain(5), ONE_FAILED, ONE_FAILED + 0.1]
    assert unusual_spreads(groups) == (0, 6, 7)


def spread_at(p: float, groups: int) -> np.ndarray:
    """Return (3,) values whose variance has this p next to groups of variance 1."""
    sd = math.sqrt(stats.f.isf(p, 2, 2 * (groups - 1)))
    return np.array([-sd, 0.0, sd])


def test_the_level() -> None:
    others = [np.array([-1.0, 0.0, 1.0])] * 5
    assert unusual_spreads([*others, spread_at(0.99 * 0.001 / 6, 6)]) == (5,)
    assert unusual_spreads([*others, spread_at(1.01 * 0.001 / 6, 6)]) == ()


def test_at_most_half_are_unusual() -> None:
    assert unusual_spreads([*plain(2), ONE_FAILED, ONE_FAILED]) == (2, 3)
    assert unusual_spreads([*plain(2), ONE_FAILED, ONE_FAILED, ONE_FAILED]) == ()


def test_nothing_to_compare_with() -> None:
    """One group, single values, or groups that differ only by rounding."""
    single = np.array([0.1])
    assert unusual_spreads([]) == unusual_spreads([ONE_FAILED]) == unusual_spreads([ONE_FAILED, single, single]) == ()
    assert np.array([0.1, 0.1, 0.1]).var() > 0
    assert unusual_spreads([np.array([0.1, 0.1, 0.1]), np.array([0.2, 0.2, 0.2]), PLAIN]) == ()


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.floats(0.01, 100.0))
def test_order_place_and_scale_do_not_matter(seed: int, count: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    groups = [rng.normal(0, rng.choice([1.0, 1000.0], p=[0.7, 0.3]), rng.integers(1, 5)) for _ in range(count)]
    found = unusual_spreads(groups)
    assert len(found) <= sum(len(group) > 1 for group in groups) // 2
    order = rng.permutation(count)
    shuffled = unusual_spreads([rng.normal() + scale * groups[place] for place in order])
    assert sorted(order[place] for place in shuffled) == list(found)


def test_a_group_apart_has_intervals_of_its_own() -> None:
    """Student's for it alone; for the others as if it were not there; Welch's for a difference, with pooled others."""
    groups = [*plain(4), ONE_FAILED]
    intervals, without = ScoreIntervals(groups, None), ScoreIntervals(groups[:4], None)
    assert intervals.apart == (4,)
    own, s2 = ONE_FAILED.var(ddof=1) / 3, 0.005**2 / 3
    assert intervals.half_width(4) == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(own))
    assert intervals.half_width(0) == without.half_width(0)
    assert intervals.difference_half_width(0, 3) == without.difference_half_width(0, 3)
    freedom = (own + s2) ** 2 / (own**2 / 2 + s2**2 / 8)
    expected = stats.t.ppf(0.975, freedom) * math.sqrt(own + s2)
    assert intervals.difference_half_width(0, 4) == intervals.difference_half_width(4, 0) == pytest.approx(expected)
    pair = ScoreIntervals([1e-3 * PLAIN, ONE_FAILED], None)
    assert pair.apart == (1,)
    welch = stats.ttest_ind(1e-3 * PLAIN, ONE_FAILED, equal_var=False).confidence_interval()
    assert pair.difference_half_width(0, 1) == pytest.approx((welch.high - welch.low) / 2)


def test_the_examples_part_is_each_spreads_own() -> None:
    """e of the group apart is from its own replicates, that of the others from theirs."""
    rng = np.random.default_rng(0)
    groups = [*plain(4), ONE_FAILED]
    drawn = [group + rng.normal(0, 0.002 if place < 4 else 0.05, (2000, 3)) for place, group in enumerate(groups)]
    intervals = ScoreIntervals(groups, drawn)
    assert intervals.apart == (4,)
    examples = drawn[4].mean(axis=1).var(ddof=1)
    s2, e = ONE_FAILED.var(ddof=1), 0.05**2
    variance = examples + (s2 - e) / 3
    freedom = 2 * max(1.0, variance / (s2 / 3)) ** 2
    assert intervals.half_width(4) == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(variance), rel=0.01)
    assert intervals.half_width(0) == ScoreIntervals(groups[:4], drawn[:4]).half_width(0)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_failed_runs_of_other_rows_change_nothing(failing: int) -> None:
    """Of two rows that are alike, 95 of 100 intervals hold the difference, and are as wide as if no run failed."""
    case, rng, studies = Case("", failing), np.random.default_rng(failing), 400
    held, widths, found = 0, [], []
    for _ in range(studies):
        scores = case.draw(rng)
        intervals = ScoreIntervals(scores, None)
        half = intervals.difference_half_width(0, 1)
        assert half is not None
        held += abs(scores[0].mean() - scores[1].mean()) <= half
        widths.append(half)
        found.append(intervals.apart == tuple(range(8 - failing, 8)))
    assert stats.binom.ppf(0.0005, studies, 0.95) <= held <= stats.binom.ppf(0.9995, studies, 0.95)
    assert np.mean(found) >= 0.985  # hardly ever one more; all alike, at most about 4 in 1,000
    assert np.median(widths) == pytest.approx(2.12 * 0.005 * math.sqrt(2 / 3), rel=0.05)  # t of 16 degrees

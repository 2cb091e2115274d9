"""Residuals of scores against SciPy, and the ranges in which they are off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from search.analysis.mistakes.score_fit import fit_line, gold_ranges, ranges_sentence


def test_the_line_is_scipys() -> None:
    rng = np.random.default_rng(0)
    gold = rng.uniform(0, 5, 200).astype(np.float32)
    predictions = (0.4 * gold + 1.0 + rng.normal(0, 0.3, 200)).astype(np.float32)
    fit, reference = fit_line(predictions, gold), stats.linregress(gold, predictions)
    assert (fit.slope, fit.intercept) == pytest.approx((reference.slope, reference.intercept), rel=1e-4)
    assert fit.spread == pytest.approx(
        np.sqrt(np.mean((predictions - reference.intercept - reference.slope * gold) ** 2))
    )
    assert fit.spread**2 == pytest.approx(predictions.var() * (1 - reference.rvalue**2), rel=1e-4)


@given(st.floats(0.01, 50), st.floats(-9, 9))
def test_residuals_do_not_mind_scale_and_zero(scale: float, shift: float) -> None:
    """As Pearson does not."""
    rng = np.random.default_rng(1)
    gold, predictions = rng.uniform(0, 5, 30), rng.normal(size=30)
    once, other = fit_line(predictions, gold), fit_line(scale * predictions + shift, gold)
    assert other.standardised == pytest.approx(once.standardised, abs=1e-6)


def test_constant_scores_are_allowed() -> None:
    flat = fit_line(np.full(5, 2.0), np.arange(5.0))
    assert (flat.slope, flat.intercept, flat.spread) == pytest.approx((0.0, 2.0, 0.0))
    assert flat.standardised.tolist() == [0.0] * 5
    same = fit_line(np.arange(5.0), np.full(5, 2.0))
    assert (same.slope, same.intercept) == (0.0, 2.0)


def test_a_range_that_is_predicted_too_low_is_reported() -> None:
    """Nothing above 4 is predicted as more than 4."""
    rng = np.random.default_rng(0)
    gold = rng.uniform(0, 5, 2000)
    clipped = np.minimum(gold, 4.0) + rng.normal(0, 0.3, 2000)
    ranges = gold_ranges(fit_line(clipped, gold), gold, (0.0, 5.0))
    assert [(one.low, one.high) for one in ranges] == [(k, k + 1.0) for k in range(5)]
    assert sum(one.count for one in ranges) == 2000
    top = ranges[-1].residual
    assert top.high < 0
    words = ranges_sentence(ranges)
    assert f"from 4 to 5 are {-top.value:.2f} too low [{-top.high:.2f}, {-top.low:.2f}]" in words
    assert "too high" in words  # the line is bent between


def test_ranges_hold_together() -> None:
    """Where nothing is off, hardly anything is said; by plain intervals about one in five would say something."""
    rng = np.random.default_rng(0)
    said = 0
    for _ in range(200):
        gold = rng.uniform(0, 5, 120)
        ranges = gold_ranges(fit_line(gold + rng.normal(size=120), gold), gold, (0.0, 5.0))
        said += "No range" not in ranges_sentence(ranges)
    assert said <= 20


def test_ranges_with_few_examples_are_left_out() -> None:
    gold = np.array([0.5] * 6 + [3.5] * 4 + [5.0] * 5)
    rng = np.random.default_rng(0)
    ranges = gold_ranges(fit_line(rng.normal(size=15), gold), gold, (0.0, 5.0))
    assert [(one.low, one.count) for one in ranges] == [(0.0, 6), (4.0, 5)]

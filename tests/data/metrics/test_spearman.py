"""Spearman's rank correlation against SciPy and by hand, with constants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from tests.data.metrics.metric_cases import both_scores, score_task

TASK = score_task("spearmanr")


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(3, 50))
def test_against_scipy(seed: int, size: int) -> None:
    """On scores with ties, in float32."""
    rng = np.random.default_rng(seed)
    gold = np.append(rng.integers(0, 11, size - 2) / 2, [0.0, 5.0]).astype(np.float32)
    predictions = np.append(np.round(rng.uniform(0, 5, size - 2), 1), [1.0, 2.0]).astype(np.float32)
    expected = spearmanr(predictions.astype(np.float64), gold.astype(np.float64)).statistic
    plain, counted = both_scores(TASK, predictions, gold)
    assert plain == pytest.approx(expected, abs=1e-14)
    assert counted == pytest.approx(expected)


def test_only_the_order_matters() -> None:
    gold = np.array([0.0, 1.0, 2.0, 5.0])
    assert both_scores(TASK, np.exp(gold), gold) == pytest.approx((1.0, 1.0))
    assert both_scores(TASK, -(gold**3), gold) == pytest.approx((-1.0, -1.0))


def test_by_hand() -> None:
    """Without ties it is 1 - 6 sum d^2 / (n (n^2 - 1)): the ranks 1, 3, 2, 4 differ twice by 1, 1 - 12 / 60."""
    predictions, gold = np.array([0.1, 0.7, 0.3, 0.9]), np.array([1.0, 2.0, 3.0, 4.0])
    assert both_scores(TASK, predictions, gold) == pytest.approx((0.8, 0.8))


def test_a_constant_counts_as_0() -> None:
    with pytest.warns(UserWarning, match="scored: all predictions are equal; the correlation counts as 0"):
        assert both_scores(TASK, np.full(4, 2.0), np.arange(4.0)) == (0.0, 0.0)
    assert TASK.metric.normalise(TASK, 0.0) == 0.5


def test_nan_stays_nan() -> None:
    found = TASK.metric.score(TASK, np.array([1.0, 2.0, np.nan, 4.0]), np.array([1.0, 3.0, 2.0, 4.0]))
    assert np.isnan(found)

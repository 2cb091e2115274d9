"""What happens to correlations of constants, and at the ends of the scale."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import pearsonr

from data.metrics.correlation import correlate, set_constants_to_zero, to_correlation
from tests.data.metrics.metric_cases import score_task

TASK = score_task("pearson")
RISING = np.arange(4, dtype=np.float32)


def test_scores_are_correlated_in_float64() -> None:
    """Sums of many float32 numbers would differ in the third digit."""
    rng = np.random.default_rng(0)
    gold = (1000 + rng.normal(size=100_000)).astype(np.float32)
    predictions = gold + rng.normal(size=len(gold)).astype(np.float32)
    expected = pearsonr(predictions.astype(np.float64), gold.astype(np.float64)).statistic
    assert correlate(TASK, predictions, gold) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_squares_neither_vanish_nor_overflow(size: float) -> None:
    assert correlate(TASK, size * np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 3.0])) == pytest.approx(0.5)


def test_no_rounding_beyond_the_scale() -> None:
    values = np.array([0.1, 0.2, 0.4, 0.7, 0.9, 1.3])
    factors = np.linspace(0.1, 5, 50)
    assert max(correlate(TASK, factor * values, values) for factor in factors) == 1.0
    assert min(correlate(TASK, -factor * values, values) for factor in factors) == -1.0


@pytest.mark.parametrize(
    ("predictions", "gold", "which"),
    [(np.ones(4), RISING, "predictions"), (RISING, np.ones(4), "gold scores"), (np.ones(4), np.ones(4), "predictions")],
)
def test_a_constant_counts_as_0_and_warns(predictions: np.ndarray, gold: np.ndarray, which: str) -> None:
    with pytest.warns(UserWarning, match=f"scored: all {which} are equal; the correlation counts as 0"):
        assert correlate(TASK, predictions, gold) == 0.0


def test_nearly_constant_predictions_do_not_warn() -> None:
    predictions = np.full(4, 3.0)
    predictions[-1] = np.nextafter(3.0, 4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = correlate(TASK, predictions, RISING)
    assert -1.0 <= found <= 1.0


def test_unknown_correlations_are_nan_and_others_are_clipped() -> None:
    covariance = np.array([[3.0, 2.0 + 1e-12], [-2.5, 0.0]])
    var_x, var_y = np.array([[9.0, 1.0], [1.0, 0.0]]), np.array([[4.0]])
    found = to_correlation(covariance, var_x, var_y, np.array([[True, True], [True, False]]))
    assert found == pytest.approx(np.array([[0.5, 1.0], [-1.0, np.nan]]), nan_ok=True)
    assert found[0, 1] == 1.0


def test_columns_of_constant_runs_are_0() -> None:
    found = set_constants_to_zero(np.full((3, 2), np.nan), [np.ones(4), RISING], RISING)
    assert found[:, 0].tolist() == [0.0] * 3
    assert np.isnan(found[:, 1]).all()
    assert (set_constants_to_zero(np.full((3, 2), np.nan), [RISING, RISING], np.ones(4)) == 0.0).all()

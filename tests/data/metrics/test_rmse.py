"""RMSE against scikit-learn, and its share of the score range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import root_mean_squared_error

from tests.data.metrics.metric_cases import both_scores, score_task


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 50))
def test_against_scikit_learn(seed: int, size: int) -> None:
    rng, task = np.random.default_rng(seed), score_task("rmse")
    gold, predictions = rng.uniform(0, 5, (2, size)).astype(np.float32)
    expected = root_mean_squared_error(gold.astype(np.float64), predictions.astype(np.float64))
    plain, counted = both_scores(task, predictions, gold)
    assert plain == expected
    assert counted == pytest.approx(expected)


def test_the_share_falls_from_1_to_0_over_the_width_of_the_score_range() -> None:
    task = score_task("rmse", 1.0, 5.0)
    assert [task.metric.normalise(task, error) for error in (0.0, 1.0, 4.0, 9.0)] == [1.0, 0.75, 0.0, 0.0]
    assert task.metric.gain(0.5, 0.75) == 0.25  # a smaller error is better

"""Mean absolute error against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error

from tests.data.metrics.metric_cases import both_scores, score_task


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 50))
def test_against_scikit_learn(seed: int, size: int) -> None:
    rng, task = np.random.default_rng(seed), score_task("mae")
    gold, predictions = rng.uniform(0, 5, (2, size)).astype(np.float32)
    expected = mean_absolute_error(gold.astype(np.float64), predictions.astype(np.float64))
    plain, counted = both_scores(task, predictions, gold)
    assert plain == expected
    assert counted == pytest.approx(expected)


def test_its_share_is_of_the_score_range() -> None:
    task = score_task("mae", 0.0, 10.0)
    assert task.metric.normalise(task, 2.5) == 0.75

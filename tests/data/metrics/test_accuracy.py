"""Accuracy against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from tests.data.metrics.metric_cases import both_scores, class_task


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 5]), st.integers(1, 60))
def test_against_scikit_learn(seed: int, classes: int, size: int) -> None:
    rng, task = np.random.default_rng(seed), class_task(classes, "acc")
    gold, predictions = rng.integers(0, classes, size), rng.dirichlet(np.ones(classes), size)
    expected = accuracy_score(gold, predictions.argmax(axis=1))
    plain, counted = both_scores(task, predictions, gold)
    assert plain == expected
    assert counted == pytest.approx(expected, abs=1e-7)  # float32 sums


def test_resamples_by_hand() -> None:
    """Runs that predict 0, 1, 1 and 1, 1, 1, where 0, 1, 0 is right."""
    task, gold = class_task(2, "accuracy"), np.array([0, 1, 0])
    predictions = [np.eye(2)[[0, 1, 1]], np.eye(2)[[1, 1, 1]]]
    counts = np.array([[1.0, 1.0, 1.0], [3.0, 0.0, 0.0], [0.0, 1.0, 3.0]])
    found = task.metric.counted_scores(task, predictions, gold, counts)
    assert found == pytest.approx(np.array([[2 / 3, 1 / 3], [1.0, 0.0], [0.25, 0.25]]))

"""Average precision against scikit-learn, with ties, and without positive examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import label_binarize

from tests.data.metrics.metric_cases import class_task


def test_by_hand() -> None:
    """Of the ranking + - + -, precision is 1 at the first positive example and 2/3 at the second."""
    task = class_task(2, "ap")
    positive = np.array([0.9, 0.8, 0.7, 0.1])
    found = task.metric.score(task, np.stack([1 - positive, positive], axis=1), np.array([1, 0, 1, 0]))
    assert found == pytest.approx((1 + 2 / 3) / 2)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_two_classes_against_scikit_learn(seed: int, digits: int) -> None:
    rng, task = np.random.default_rng(seed), class_task(2, "average_precision")
    positive = np.round(rng.uniform(0, 1, 60), digits)
    gold = np.append(rng.integers(0, 2, 59), 1)
    predictions = np.stack([1 - positive, positive], axis=1)
    expected = average_precision_score(gold, positive)
    assert task.metric.score(task, predictions, gold) == expected
    assert task.metric.counted_scores(task, [predictions], gold, np.ones((1, 60)))[0, 0] == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_several_classes_against_scikit_learn(seed: int) -> None:
    rng, task = np.random.default_rng(seed), class_task(4, "average_precision")
    gold, predictions = np.append(rng.integers(0, 4, 56), range(4)), rng.dirichlet(np.ones(4), 60)
    expected = average_precision_score(label_binarize(gold, classes=range(4)), predictions, average="macro")
    assert task.metric.score(task, predictions, gold) == pytest.approx(expected)
    assert task.metric.counted_scores(task, [predictions], gold, np.ones((1, 60)))[0, 0] == pytest.approx(expected)


def test_without_positive_examples_it_counts_as_0_and_warns() -> None:
    task = class_task(2, "average_precision")
    with pytest.warns(UserWarning, match="of_2: no example is positive; average_precision counts as 0"):
        assert task.metric.score(task, np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([0, 0])) == 0.0

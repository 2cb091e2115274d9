"""Average precision against scikit-learn, with ties, and without positive examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import label_binarize

from tests.data.metrics.metric_cases import both_scores, class_task, four_classes, two_classes


def test_by_hand() -> None:
    """Of the ranking + - + -, precision is 1 at the first positive example and 2/3 at the second."""
    task = class_task(2, "ap")
    positive = np.array([0.9, 0.8, 0.7, 0.1])
    found = task.metric.score(task, np.stack([1 - positive, positive], axis=1), np.array([1, 0, 1, 0]))
    assert found == pytest.approx((1 + 2 / 3) / 2)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_two_classes_against_scikit_learn(seed: int, digits: int) -> None:
    gold, predictions = two_classes(seed, digits)
    expected = average_precision_score(gold, predictions[:, 1])
    plain, counted = both_scores(class_task(2, "average_precision"), predictions, gold)
    assert plain == expected
    assert counted == pytest.approx(expected)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_several_classes_against_scikit_learn(seed: int) -> None:
    gold, predictions = four_classes(seed)
    expected = average_precision_score(label_binarize(gold, classes=range(4)), predictions, average="macro")
    assert both_scores(class_task(4, "average_precision"), predictions, gold) == pytest.approx((expected, expected))


def test_without_positive_examples_it_counts_as_0_and_warns() -> None:
    task = class_task(2, "average_precision")
    with pytest.warns(UserWarning, match="of_2: no example is positive; average_precision counts as 0"):
        assert task.metric.score(task, np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([0, 0])) == 0.0

"""ROC AUC against scikit-learn, with ties, and without one of the classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tests.data.metrics.metric_cases import both_scores, class_task, four_classes, two_classes


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_two_classes_against_scikit_learn(seed: int, digits: int) -> None:
    gold, predictions = two_classes(seed, digits)
    expected = roc_auc_score(gold, predictions[:, 1])
    plain, counted = both_scores(class_task(2, "auc"), predictions, gold)
    assert plain == expected
    assert counted == pytest.approx(expected)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_several_classes_against_scikit_learn(seed: int) -> None:
    gold, predictions = four_classes(seed)
    expected = roc_auc_score(gold, predictions, multi_class="ovr", average="macro")
    assert both_scores(class_task(4, "roc_auc"), predictions, gold) == pytest.approx((expected, expected))


def test_a_class_without_examples_is_left_out() -> None:
    task, rng = class_task(3, "roc_auc"), np.random.default_rng(0)
    gold, predictions = rng.integers(0, 2, 40), rng.dirichlet(np.ones(3), 40)
    expected = np.mean([roc_auc_score(gold == label, predictions[:, label]) for label in (0, 1)])
    assert task.metric.score(task, predictions, gold) == pytest.approx(expected)


def test_one_class_counts_as_half_and_warns() -> None:
    task = class_task(2, "roc_auc")
    with pytest.warns(UserWarning, match=r"of_2: all gold classes are equal; roc_auc counts as 0\.5"):
        assert task.metric.score(task, np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([1, 1])) == 0.5


def test_equal_predictions_give_half() -> None:
    task = class_task(2, "roc_auc")
    assert task.metric.score(task, np.full((4, 2), 0.5), np.array([0, 1, 1, 1])) == 0.5

"""Macro F1 against scikit-learn and by hand, with classes that are missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tests.data.metrics.metric_cases import both_scores, class_task


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 5]), st.integers(1, 40))
def test_against_scikit_learn(seed: int, classes: int, size: int) -> None:
    """Small samples lack classes, which count as 0."""
    rng, task = np.random.default_rng(seed), class_task(classes, "macro-f1")
    gold, predictions = rng.integers(0, classes, size), rng.dirichlet(np.ones(classes), size)
    expected = f1_score(gold, predictions.argmax(axis=1), labels=range(classes), average="macro", zero_division=0.0)
    plain, counted = both_scores(task, predictions, gold)
    assert plain == expected
    assert counted == pytest.approx(expected)


def test_a_class_neither_predicted_nor_gold_counts_as_0() -> None:
    """F1 is 2/3 for class 0 (TP 1, FP 1), 2/3 for class 1 (TP 1, FN 1), and 0 for class 2."""
    predictions, gold = np.eye(3)[[0, 0, 1]], np.array([0, 1, 1])
    assert both_scores(class_task(3, "f1"), predictions, gold) == pytest.approx((4 / 9, 4 / 9))


def test_all_right_is_1() -> None:
    gold = np.array([0, 1, 2, 2])
    assert both_scores(class_task(3, "f1"), np.eye(3)[gold], gold) == (1.0, 1.0)

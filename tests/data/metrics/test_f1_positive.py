"""F1 of the positive class against scikit-learn, and which tasks can have it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tests.data.metrics.metric_cases import both_scores, class_task


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_against_scikit_learn(seed: int) -> None:
    rng, task = np.random.default_rng(seed), class_task(2, "binary-f1")
    gold, predictions = rng.integers(0, 2, 50), rng.dirichlet(np.ones(2), 50)
    expected = f1_score(gold, predictions.argmax(axis=1), average="binary")
    plain, counted = both_scores(task, predictions, gold)
    assert plain == expected
    assert counted == pytest.approx(expected)


def test_it_is_not_the_macro_f1() -> None:
    gold, predictions = np.array([0, 0, 0, 1, 1, 0]), np.eye(2)[[0, 0, 0, 1, 0, 1]]
    scores = {
        name: class_task(2, name).metric.score(class_task(2, name), predictions, gold) for name in ("f1", "f1_positive")
    }
    assert scores == {"f1": pytest.approx(0.625), "f1_positive": 0.5}


def test_without_positive_examples_or_predictions_it_is_0() -> None:
    task = class_task(2, "f1_positive")
    assert task.metric.score(task, np.eye(2)[[0, 0]], np.array([0, 0])) == 0.0


def test_more_than_two_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="'f1_positive' does not suit this task: it needs exactly two classes, got 3"):
        class_task(3, "f1_positive")

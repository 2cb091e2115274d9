"""MCC against scikit-learn, by hand, and where it is 0 / 0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from tests.data.metrics.metric_cases import both_scores, class_task


def test_by_hand() -> None:
    """TP 3, TN 2, FP 1, FN 2: (3 * 2 - 1 * 2) / sqrt(4 * 5 * 3 * 4)."""
    gold, predicted = np.array([1, 1, 1, 1, 1, 0, 0, 0]), [1, 1, 1, 0, 0, 0, 0, 1]
    task = class_task(2, "mcc")
    assert task.metric.score(task, np.eye(2)[predicted], gold) == pytest.approx(4 / np.sqrt(240))


@settings(max_examples=50)
@given(st.sampled_from([2, 3, 5]), st.integers(0, 2**32 - 1))
def test_against_scikit_learn(classes: int, seed: int) -> None:
    rng, task = np.random.default_rng(seed), class_task(classes, "mcc")
    gold, predictions = rng.integers(0, classes, 50), rng.dirichlet(np.ones(classes), 50)
    expected = matthews_corrcoef(gold, predictions.argmax(axis=1))
    plain, counted = both_scores(task, predictions, gold)
    assert plain == pytest.approx(expected)
    assert counted == pytest.approx(expected)


@pytest.mark.parametrize(
    ("predicted", "gold", "which"), [([1, 1, 1], [0, 1, 1], "predicted"), ([0, 1, 1], [1, 1, 1], "gold")]
)
def test_a_single_class_counts_as_0_and_warns(predicted: list[int], gold: list[int], which: str) -> None:
    task = class_task(2, "mcc")
    with pytest.warns(UserWarning, match=f"of_2: all {which} classes are equal; mcc counts as 0"):
        assert task.metric.score(task, np.eye(2)[predicted], np.array(gold)) == 0.0
    assert task.metric.normalise(task, 0.0) == 0.5

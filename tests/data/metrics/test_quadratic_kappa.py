"""Quadratic kappa against scikit-learn, of classes and of rounded scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tests.data.metrics.metric_cases import both_scores, class_task, score_task


@settings(max_examples=50)
@given(st.sampled_from([2, 3, 5]), st.integers(0, 2**32 - 1))
def test_classes_against_scikit_learn(classes: int, seed: int) -> None:
    rng, task = np.random.default_rng(seed), class_task(classes, "qwk")
    gold, predictions = np.append(rng.integers(0, classes, 49), 1), rng.dirichlet(np.ones(classes), 50)
    predicted = predictions.argmax(axis=1)
    expected = cohen_kappa_score(gold, predicted, labels=range(classes), weights="quadratic")
    assert both_scores(task, predictions, gold) == pytest.approx((expected, expected), abs=1e-12)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_scores_are_rounded_halves_up_and_limited_to_the_range(seed: int) -> None:
    rng, task = np.random.default_rng(seed), score_task("quadratic-weighted-kappa", 1.0, 6.0)
    gold = np.append(rng.integers(1, 7, 48), [1, 6]).astype(np.float32)
    predictions = np.round(rng.uniform(0, 7, 50) * 2).astype(np.float32) / 2
    rounded = [min(6, max(1, int(score + 0.5))) for score in predictions.tolist()]
    expected = cohen_kappa_score(gold.astype(int), rounded, labels=range(1, 7), weights="quadratic")
    assert task.metric.score(task, predictions, gold) == pytest.approx(expected, abs=1e-12)


def test_one_class_alone_counts_as_0_and_warns() -> None:
    task = class_task(3, "quadratic_kappa")
    with pytest.warns(UserWarning, match="of_3: all predicted and gold classes are equal; quadratic_kappa counts as 0"):
        assert task.metric.score(task, np.eye(3)[[1, 1]], np.array([1, 1])) == 0.0


def test_a_score_range_must_have_whole_ends() -> None:
    with pytest.raises(ValueError, match=r"so score_range needs whole ends, got \[0\.0, 2\.5\]"):
        score_task("qwk", 0.0, 2.5)

"""Errors of scores: differences, means by resample, and the common scale, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from data.metrics.score_errors import cost, differences, mean_by_resample, to_share
from tests.data.metrics.metric_cases import class_task, score_task


def test_differences_are_predicted_minus_gold_in_float64() -> None:
    gold = np.array([1.0, 2.0], dtype=np.float32)
    found = differences([np.array([1.5, 0.0], dtype=np.float32), gold], gold)
    assert found.dtype == np.float64
    assert found.tolist() == [[0.5, 0.0], [-2.0, 0.0]]


def test_means_weight_each_example_by_how_often_it_was_drawn() -> None:
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    counts = np.array([[1.0, 1.0, 1.0], [0.0, 3.0, 0.0], [2.0, 0.0, 2.0]])
    assert mean_by_resample(values, counts) == pytest.approx(np.array([[7 / 3, 70 / 3], [2, 20], [2.5, 25]]))


def test_the_share_falls_to_0_at_the_width_of_the_score_range() -> None:
    task = score_task("mae", -1.0, 4.0)
    assert to_share(task, np.array([0.0, 1.0, 5.0, 7.0])).tolist() == [1.0, 0.8, 0.0, 0.0]
    with pytest.raises(AssertionError, match="score tasks have a range"):
        to_share(class_task(2, "accuracy"), np.array([0.0]))


def test_the_cost_does_not_depend_on_the_task() -> None:
    assert cost(score_task("mae")) == cost(score_task("rmse", 0.0, 10.0)) == 1

"""What a Metric refuses, and what it does by itself where only a plain score is given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from data.metrics import SCORES, MeasuredTask, Metric
from tests.data.metrics.metric_cases import score_task


def share_within_one(_task: MeasuredTask, predictions: np.ndarray, gold: np.ndarray) -> float:
    return float(np.mean(np.abs(predictions - gold) <= 1))


def test_a_plain_score_is_enough() -> None:
    """Counted scores, bounds and the place on the common scale follow from it."""
    metric, task = Metric("within", "within one", SCORES, share_within_one), score_task("rmse")
    gold, predictions = np.array([0.0, 2.0, 4.0]), np.array([0.5, 4.0, 4.0])
    counts = np.array([[1.0, 1.0, 1.0], [0.0, 2.0, 1.0], [0.0, 3.0, 0.0]])
    assert metric.counted_scores(task, [predictions], gold, counts)[:, 0] == pytest.approx([2 / 3, 1 / 3, 0.0])
    assert metric.normalise(task, 0.25) == 0.25
    assert metric.gain(0.5, 0.25) == 0.25
    assert metric.cost(task) >= 100  # resample by resample: far more than a sum


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bounds": (0.0, math.inf)}, r"bounds \(0.0, inf\) are not finite, so it needs to_share"),
        ({"larger_is_better": False}, "smaller is better, so it needs to_share"),
    ],
)
def test_a_metric_without_a_place_on_the_common_scale_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Metric("within", "within one", SCORES, share_within_one, **options)

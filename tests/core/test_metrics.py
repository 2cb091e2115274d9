"""Scores, and the overall score of the architecture."""

from __future__ import annotations

import numpy as np
import pytest

from core.metrics import normalised, overall_score, task_metrics
from data.task_files import builtin_tasks
from data.tasks import TaskSpec

SPECS = builtin_tasks()


def test_classification_by_hand() -> None:
    probabilities = np.eye(5)[[0, 1, 2, 2]]
    metrics = task_metrics(SPECS["sst"], probabilities, np.array([0, 1, 2, 3]))
    assert metrics["accuracy"] == 0.75
    # F1 per class: 1, 1, 2/3, 0, and class 4 was never there: 0
    assert metrics["f1"] == pytest.approx((1 + 1 + 2 / 3) / 5)


def test_regression_against_numpy() -> None:
    rng = np.random.default_rng(0)
    gold = rng.uniform(0, 5, 50)
    predicted = (gold + rng.normal(0, 1, 50)).astype(np.float32)
    metrics = task_metrics(SPECS["sts"], predicted, gold.astype(np.float32))
    assert metrics["pearson"] == pytest.approx(np.corrcoef(predicted, gold)[0, 1], abs=1e-6)
    ranks = [np.argsort(np.argsort(values)) for values in (predicted, gold)]
    assert metrics["spearman"] == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-9)
    assert metrics["mse"] == pytest.approx(((predicted - gold) ** 2).mean(), rel=1e-5)


def test_a_constant_prediction_has_correlation_zero_and_warns() -> None:
    with pytest.warns(UserWarning, match="sts: all predictions are equal; the correlation counts as 0"):
        metrics = task_metrics(SPECS["sts"], np.full(10, 2.5, dtype=np.float32), np.arange(10.0))
    assert metrics["pearson"] == metrics["spearman"] == 0.0


def test_overall_is_that_of_the_course() -> None:
    specs = {name: SPECS[name] for name in ("sst", "para", "sts")}
    equal = dict.fromkeys(specs, 1.0)
    scores = {"sst": 0.525, "para": 0.849, "sts": 0.838}
    assert overall_score(scores, specs, equal) == pytest.approx((0.525 + 0.849 + (1 + 0.838) / 2) / 3)


def test_overall_of_one_task_and_with_weights() -> None:
    assert overall_score({"sts": -0.5}, {"sts": SPECS["sts"]}, {"sts": 7.0}) == 0.25
    specs = {name: SPECS[name] for name in ("sst", "para")}
    assert overall_score({"sst": 0.4, "para": 0.8}, specs, {"sst": 3.0, "para": 1.0}) == pytest.approx(0.5)


def test_f1_counts_as_it_is() -> None:
    spec = TaskSpec.model_validate({**SPECS["para"].model_dump(), "metric": "f1"})
    assert normalised(spec, 0.7) == 0.7

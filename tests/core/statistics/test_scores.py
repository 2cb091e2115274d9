"""Metrics of scores against scikit-learn and by hand, and what has no value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from core.statistics import task_metrics
from data.tasks import TaskSpec
from tests.core.statistics.task_cases import SPECS


def test_scores_by_hand() -> None:
    predicted, gold = np.array([1.0, 3.0, 3.0, 4.0]), np.array([0.0, 3.0, 2.0, 5.0])
    metrics = task_metrics(SPECS["sts"], predicted, gold)  # errors 1, 0, 1, -1; gold has mean 2.5 and variance 3.25
    assert metrics["mse"] == 0.75
    assert metrics["rmse"] == pytest.approx(math.sqrt(0.75))
    assert metrics["mean_absolute_error"] == 0.75
    assert metrics["median_absolute_error"] == 1.0
    assert metrics["r2"] == pytest.approx(1 - 0.75 / 3.25)
    assert metrics["explained_variance"] == pytest.approx(1 - (0.75 - 0.25**2) / 3.25)  # the mean error is forgiven
    logs = [math.log(2 / 1), 0.0, math.log(4 / 3), math.log(5 / 6)]
    assert metrics["msle"] == pytest.approx(sum(log**2 for log in logs) / 4)
    assert metrics["spearman"] == pytest.approx(np.corrcoef([1, 2.5, 2.5, 4], [1, 3, 2, 4])[0, 1])


def test_scores_against_numpy_and_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    gold = rng.uniform(0, 5, 50)
    predicted = np.clip(gold + rng.normal(0, 1, 50), 0, 5).astype(np.float32)
    metrics = task_metrics(SPECS["sts"], predicted, gold.astype(np.float32))
    ranks = [stats.rankdata(values) for values in (predicted, gold)]
    assert metrics == pytest.approx(
        {
            "pearson": np.corrcoef(predicted, gold)[0, 1],
            "spearman": np.corrcoef(*ranks)[0, 1],
            "mse": ((predicted - gold) ** 2).mean(),
            "rmse": sk.root_mean_squared_error(gold, predicted),
            "msle": ((np.log1p(predicted) - np.log1p(gold)) ** 2).mean(),
            "mean_absolute_error": np.abs(predicted - gold).mean(),
            "median_absolute_error": np.median(np.abs(predicted - gold)),
            "explained_variance": 1 - (predicted - gold).var() / gold.var(),
            "r2": sk.r2_score(gold, predicted),
        },
        rel=1e-5,
    )


def test_scores_that_may_be_negative_have_no_logarithm() -> None:
    spec = TaskSpec.model_validate({**SPECS["sts"].model_dump(), "score_range": [-1.0, 1.0]})
    metrics = task_metrics(spec, np.array([-1.0, 0.0, 1.0]), np.array([-1.0, 0.5, 1.0]))
    assert "msle" not in metrics
    assert metrics["mse"] == pytest.approx(0.25 / 3)


def test_a_score_a_rounding_error_below_zero_counts_as_zero() -> None:
    metrics = task_metrics(SPECS["sts"], np.array([-1e-7, 1.0], dtype=np.float32), np.array([0.0, 1.0]))
    assert metrics["msle"] == 0.0


def test_a_constant_prediction_has_correlation_zero_and_warns() -> None:
    with pytest.warns(UserWarning, match="sts: all predictions are equal; the correlation counts as 0"):
        metrics = task_metrics(SPECS["sts"], np.full(10, 2.5, dtype=np.float32), np.arange(10.0) / 2)
    assert metrics["pearson"] == metrics["spearman"] == 0.0
    assert metrics["explained_variance"] == 0.0

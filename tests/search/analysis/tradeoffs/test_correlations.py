"""Correlations of tasks' scores: larger is better in every column, and the interval where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from data.metrics import find_metric
from data.task_files import builtin_tasks
from search.analysis.tradeoffs.correlations import larger_is_better, rank_correlation, task_pairs
from search.recorded.trial_table import SCORE
from search.trials.record import REPEAT_OF

SPECS = {
    "sst": builtin_tasks()["sst"],
    "sts": builtin_tasks()["sts"].model_copy(update={"metric": find_metric("rmse")}),
}


def test_it_is_scipys_with_fishers_interval() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, 40).astype(float)  # with ties
    y = x + 3.0 * rng.normal(size=40)
    found = rank_correlation(x, y)
    assert found is not None
    r = stats.spearmanr(x, y).statistic
    assert found.value == pytest.approx(r)
    se = math.sqrt((1 + r**2 / 2) / 37)
    assert math.atanh(found.high) - math.atanh(found.low) == pytest.approx(2 * 1.959964 * se)
    assert math.atanh(found.high) + math.atanh(found.low) == pytest.approx(2 * math.atanh(r))


@pytest.mark.filterwarnings("error")
def test_what_has_no_correlation() -> None:
    six = np.arange(6.0)
    assert rank_correlation(six[:5], six[:5]) is None
    assert rank_correlation(six, np.ones(6)) is None
    perfect = rank_correlation(six, -six)
    assert perfect is not None
    assert perfect.value == pytest.approx(-1.0)
    assert perfect.low == perfect.value < -0.9 < perfect.high < 0


@pytest.mark.parametrize("pearson", [0.0, -0.6])
def test_the_interval_holds_the_truth(pearson: float) -> None:
    """Of normal variables Spearman's correlation is 6 / π arcsin(r / 2)."""
    rng, truth, held = np.random.default_rng(1), 6 / math.pi * math.asin(pearson / 2), 0
    for _ in range(300):
        x, noise = rng.normal(size=(2, 25))
        found = rank_correlation(x, pearson * x + math.sqrt(1 - pearson**2) * noise)
        held += found is not None and found.low <= truth <= found.high
    assert 0.92 <= held / 300 <= 0.98


def test_errors_are_negated_and_other_columns_stay() -> None:
    scores = pd.DataFrame({"trial": [0, 1], SCORE + "sst": [0.4, 0.5], SCORE + "sts": [1.0, 0.5]})
    found = larger_is_better(scores, SPECS)
    assert found.to_dict("list") == {"trial": [0, 1], SCORE + "sst": [0.4, 0.5], SCORE + "sts": [-1.0, -0.5]}
    assert scores[SCORE + "sts"].tolist() == [1.0, 0.5]  # the table itself stays


def test_tasks_that_improve_together_do_not_compete_where_one_is_an_error() -> None:
    count = 20
    table = pd.DataFrame(
        {
            "trial": range(count),
            "state": "complete",
            "overall": 0.5,
            REPEAT_OF: None,
            SCORE + "sst": [0.3 + 0.01 * number for number in range(count)],
            SCORE + "sts": [2.0 - 0.05 * number for number in range(count)],
        }
    )
    (pair,) = task_pairs(larger_is_better(table, SPECS), None)
    assert pair.finished is not None
    assert pair.finished.value > 0.99

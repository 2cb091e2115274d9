"""Scores of errors are turned, so that larger is better in every column."""

from __future__ import annotations

import pandas as pd

from data.metrics import find_metric
from data.task_files import builtin_tasks
from search.analysis.tradeoffs.pairs import larger_is_better, task_pairs
from search.recorded.trial_table import SCORE
from search.trials.record import REPEAT_OF

SPECS = {
    "sst": builtin_tasks()["sst"],
    "sts": builtin_tasks()["sts"].model_copy(update={"metric": find_metric("rmse")}),
}


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

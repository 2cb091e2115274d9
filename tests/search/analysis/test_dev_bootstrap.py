"""Replicates of scores over other dev examples, and the predictions that they are drawn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.inputs.dev_gold import dev_examples
from core.statistics import overall_score
from data.errors import UserError
from search.analysis.dev_bootstrap import REPLICATES, score_replicates, stored_predictions, task_replicates
from search.trials.record import FinishedTrial
from tests.search.made_study import SPECS, TASKS, WEIGHTS, MadeStudy, make_study


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    return make_study(tmp_path, [[0.1, 0.4], [0.3]])


def records_of(made: MadeStudy) -> list[FinishedTrial]:
    return [FinishedTrial.read(trial) for trial in made.study.trials]


def test_an_accuracy_has_the_spread_of_a_binomial() -> None:
    """Of 100 examples 80 are right: the standard deviation is sqrt(0.8 * 0.2 / 100) = 0.04."""
    gold, right, wrong = np.zeros(100, dtype=np.int64), np.eye(5)[0], np.eye(5)[1]
    some, everything = np.array([right] * 80 + [wrong] * 20), np.tile(right, (100, 1))
    drawn = task_replicates(SPECS["sst"], [some, everything], gold)
    assert drawn.shape == (REPLICATES, 2)
    assert drawn[:, 0].mean() == pytest.approx(0.8, abs=0.006)
    assert drawn[:, 0].std() == pytest.approx(0.04, rel=0.1)
    assert (drawn[:, 1] == 1.0).all()


def test_all_trials_are_scored_on_the_same_examples(made: MadeStudy) -> None:
    predictions = made.predictions(0, 100)["sst"]
    first, second = task_replicates(SPECS["sst"], [predictions, predictions], made.gold["sst"]).T
    assert np.array_equal(first, second)
    again = task_replicates(SPECS["sst"], [predictions], made.gold["sst"])
    assert np.array_equal(again[:, 0], first), "a second call draws the same examples"


def test_overall_replicates_are_the_weighted_scores_of_the_tasks(made: MadeStudy) -> None:
    records = records_of(made)
    drawn = score_replicates(records, made.folders, records[0].config)
    assert set(drawn) == {"overall", *TASKS}
    parts = {task: drawn[task] for task in TASKS}
    assert np.array_equal(drawn["overall"], overall_score(parts, SPECS, WEIGHTS))


def test_predictions_are_those_of_the_best_rung(made: MadeStudy) -> None:
    record, _ = records_of(made)
    rung = made.study.trials[0].user_attrs["best_rung"]
    stored = stored_predictions(made.folders, record, SPECS["sst"], dev_examples(record.config, "sst"))
    assert np.array_equal(stored, made.predictions(0, rung)["sst"])


def test_what_does_not_give_the_recorded_score_is_refused(made: MadeStudy) -> None:
    record, _ = records_of(made)
    dev = dev_examples(record.config, "sst")
    assert dev.labels is not None
    with pytest.raises(UserError, match="sst or trial 0's stored predictions have changed; they no longer give"):
        stored_predictions(made.folders, record, SPECS["sst"], replace(dev, labels=dev.labels[::-1].copy()))
    with pytest.raises(UserError, match="has 79 examples to be scored on, and trial 0 predicted 80"):
        stored_predictions(made.folders, record, SPECS["sst"], dev.subset(np.arange(1, 80)))
    made.data.rename(made.data.with_name("elsewhere"))
    with pytest.raises(UserError, match=r"\(search\.report --data says where the files are now\)"):
        score_replicates([record], made.folders, record.config)

"""The scored rungs of trials, and the resamples that they are scored in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config import RunConfig
from core.statistics import own_metric
from data.errors import UserError
from data.metrics import find_metric
from search.analysis.checkpoints import (
    Checkpoint,
    ScoredCheckpoints,
    bags_of,
    gold_of,
    resamples_for,
    score_bags,
    stored_checkpoints,
)
from search.trials.record import FinishedTrial
from tests.search.made_study import SIZE, SPECS, TASKS, MadeStudy, make_study


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    return make_study(tmp_path, [[0.1, 0.4], [0.3], [0.2, 0.1]])


def config_of(made: MadeStudy) -> RunConfig:
    return FinishedTrial.read(made.study.trials[0]).config


def checkpoints_of(made: MadeStudy) -> list[Checkpoint]:
    return stored_checkpoints([0, 1, 2], made.folders, TASKS)[0]


def test_a_trial_that_lacks_one_file_loses_all_of_its_rungs(made: MadeStudy) -> None:
    made.folders.run(2).predictions("sts", 100).unlink()
    found, gone = stored_checkpoints([2, 1, 0, 9], made.folders, TASKS)
    assert [(one.trial, one.evaluation.rung) for one in found] == [(1, 100), (0, 100), (0, 200)]
    assert gone == (2, 9)
    assert stored_checkpoints([2], made.folders, ["sst"])[1] == (), "only the files of the tasks asked for count"


def test_scores_of_the_whole_and_of_a_bag_are_those_of_the_plain_metric(made: MadeStudy) -> None:
    gold, spec = gold_of(config_of(made))["sst"], SPECS["sst"]
    bags, checkpoints = bags_of("sst", gold, 5), checkpoints_of(made)
    scores = score_bags(checkpoints, spec, gold, bags)
    for place, one in enumerate(checkpoints):
        predictions, rows = one.predictions(spec, SIZE), bags.rows(3)
        assert scores.whole[place] == pytest.approx(one.evaluation.scores["sst"])
        assert scores.inside[3, place] == pytest.approx(own_metric(spec, predictions[rows], gold[rows]))


def test_labels_that_do_not_give_the_recorded_score_are_refused(made: MadeStudy) -> None:
    gold = made.gold["sst"][::-1].copy()
    with pytest.raises(UserError, match="sst or trial 0's stored predictions have changed; they no longer give"):
        score_bags(checkpoints_of(made), SPECS["sst"], gold, bags_of("sst", gold, 2))
    with pytest.raises(UserError, match="has 79 examples to be scored on, and trial 0 predicted 80"):
        checkpoints_of(made)[0].predictions(SPECS["sst"], SIZE - 1)


def test_resamples_are_the_same_each_time_and_other_ones_for_another_task() -> None:
    gold = np.zeros(30)
    assert np.array_equal(bags_of("sst", gold, 3).rows(2), bags_of("sst", gold, 3).rows(2))
    assert not np.array_equal(bags_of("sst", gold, 3).rows(2), bags_of("sts", gold, 3).rows(2))


def test_checkpoints_are_grouped_by_configuration_and_run(made: MadeStudy) -> None:
    scored = ScoredCheckpoints(checkpoints_of(made), {}, {}, 0)
    assert [one.trial for one in scored.checkpoints] == [0, 0, 1, 2, 2]
    assert scored.configurations({"a": [2, 0, 7], "b": [1], "c": [7]}) == {"a": [[3, 4], [0, 1]], "b": [[2]]}


def test_the_number_of_resamples_is_bounded_both_ways(made: MadeStudy) -> None:
    assert resamples_for(SPECS, made.gold, 7) == 1000
    assert resamples_for(SPECS, made.gold, 10**6) == 100
    ranked = {"sts": SPECS["sts"].model_copy(update={"metric": find_metric("spearman")})}
    assert resamples_for(ranked, {"sts": np.zeros(800)}, 100) == 500


def test_metrics_that_cannot_be_read_make_a_trial_count_as_gone(made: MadeStudy) -> None:
    made.folders.run(1).metrics.write_text("{", encoding="utf-8")
    assert stored_checkpoints([1], made.folders, TASKS) == ([], (1,))

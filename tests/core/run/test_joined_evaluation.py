"""The evaluation of a run over folds: means of scores, sums of costs."""

from __future__ import annotations

import pytest

from core.run.cost import Cost
from core.run.evaluation import Evaluation, best_evaluation
from core.run.joined_evaluation import joined_evaluation, mean_curve


def evaluation(rung: int, score: float, memory: float = 100.0) -> Evaluation:
    return Evaluation(
        rung=rung,
        examples=rung + 5,
        step=rung // 10,
        overall=(1 + score) / 2,
        scores={"sts": score},
        metrics={"sts": {"pearson": score, "train_pearson": 0.9, "train_dev_gap": 0.9 - score}},
        train_loss={"sts": score},
        seconds=2.0,
        examples_per_second=50.0,
        confusion={"sst": [[1, 2], [0, int(score * 10)]]},
        cost=Cost(1000, 10, 2 * rung, memory, 7),
    )


def test_scores_are_means_and_costs_are_sums() -> None:
    joined = joined_evaluation([evaluation(100, 0.2, 300.0), evaluation(100, 0.6)], evaluation(50, 0.1), 250, 2 / 3)
    assert joined.rung == 250
    assert joined.scores["sts"] == pytest.approx(0.3)
    assert joined.overall == pytest.approx((0.6 + 0.8 + 0.55) / 3)
    assert joined.metrics["sts"] == pytest.approx({"pearson": 0.3, "train_pearson": 0.9, "train_dev_gap": 0.6})
    assert (joined.examples, joined.step, joined.seconds) == (105 + 105 + 55, 10 + 10 + 5, 6.0)
    assert joined.confusion == {"sst": [[3, 6], [0, 2 + 6 + 1]]}
    assert joined.train_loss == {"sts": 0.1}  # of the fold that is being trained
    assert joined.cost == Cost(1000, 10, 500, 300.0, 21)


def test_only_the_end_of_all_folds_is_scored_on_all_of_dev() -> None:
    early = joined_evaluation([evaluation(100, 0.9)], evaluation(50, 0.9), 150, 0.5)
    last = joined_evaluation([evaluation(100, 0.2)], evaluation(100, 0.2), 200, 1.0)
    assert best_evaluation([early, last]) is last


def test_the_mean_curve_has_the_rungs_of_one_model() -> None:
    curves = [[evaluation(50, 0.1), evaluation(100, 0.2)], [evaluation(50, 0.3), evaluation(100, 0.6)]]
    found = mean_curve(curves)
    assert [(one.rung, one.examples) for one in found] == [(50, 55), (100, 105)]
    assert [one.scores["sts"] for one in found] == pytest.approx([0.2, 0.4])

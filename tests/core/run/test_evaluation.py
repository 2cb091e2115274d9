"""Evaluations written by earlier versions are read."""

from __future__ import annotations

import json
from dataclasses import replace

from core.run.cost import Cost
from core.run.evaluation import Evaluation, best_evaluation


def test_evaluations_written_before_costs_were_recorded_are_read() -> None:
    old = '{"rung": 5, "examples": 6, "step": 1, "overall": 0.5, "scores": {"sst": 0.5}, "metrics": {"sst": {}}, '
    old += '"train_loss": {}, "seconds": 1.5, "examples_per_second": 4.0}'
    evaluation = Evaluation.from_json(old)
    assert evaluation.cost is None
    assert evaluation.confusion == {}
    assert evaluation.loss_weights == {}
    assert replace(evaluation, cost=Cost(4, 1, 6, 2.5)).to_json() != json.dumps(json.loads(old))
    costs = '"cost": {"parameters": 4, "trainable_parameters": 1, "forward_examples": 6, "peak_memory_mib": 2.5}'
    assert Evaluation.from_json(f"{old[:-1]}, {costs}}}").cost == Cost(4, 1, 6, 2.5, pretraining_examples=0)


def test_the_best_evaluation_is_of_all_dev_examples() -> None:
    def scored(rung: int, overall: float, dev_share: float) -> Evaluation:
        return Evaluation(rung, rung, 1, overall, {}, {}, {}, 1.0, 1.0, dev_share=dev_share)

    early, better, whole, equal = scored(1, 0.9, 0.5), scored(2, 0.95, 0.5), scored(3, 0.6, 1.0), scored(4, 0.6, 1.0)
    assert best_evaluation([early, better, whole, equal]) is whole
    assert best_evaluation([early, better]) is better
    assert best_evaluation([]) is None


def test_a_share_of_dev_is_written_where_it_is_below_one() -> None:
    evaluation = Evaluation(1, 1, 1, 0.5, {}, {}, {}, 1.0, 1.0)
    assert "dev_share" not in evaluation.to_json()
    part = replace(evaluation, dev_share=0.25)
    assert (Evaluation.from_json(evaluation.to_json()), Evaluation.from_json(part.to_json())) == (evaluation, part)

"""Evaluations written by earlier versions are read."""

from __future__ import annotations

import json
from dataclasses import replace

from core.run.cost import Cost
from core.run.evaluation import Evaluation


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

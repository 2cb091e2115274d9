"""An evaluation with its cost, and studies of such results."""

from __future__ import annotations

import optuna

from core.run.cost import Cost
from core.run.evaluation import Evaluation
from search.trials.record import TrialResult

COST = Cost(parameters=2000, trainable_parameters=50, forward_examples=3200, peak_memory_mib=812.4)
POINT = Evaluation(200, 208, 13, 0.6, {"sst": 0.5}, {}, {}, 8.0, 61.0, cost=COST)


def stored(*results: TrialResult) -> optuna.Study:
    study = optuna.create_study()
    for result in results:
        trial = study.ask()
        result.write(trial)
        study.tell(trial, result.overall)
    return study

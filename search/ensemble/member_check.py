"""Check that the models of an ensemble's members still predict what was recorded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from core.inputs.resources import Resources, pick_device
from core.model_files.model_folder import TrainedModel
from core.scoring import predict
from search.ensemble.members import Member
from search.trials.recomputed_scores import RecordedScores

__all__ = ["check_member"]


def check_member(member: Member, trained: TrainedModel, resources: Resources, tasks: Iterable[str]) -> None:
    """Predict for dev with a member's model, and compare its scores in these tasks with the recorded ones.

    Raises:
        UserError: they differ by more than rounding.
    """
    result, config = member.result, member.config
    assert result.best_rung is not None, "that is what makes it a scored trial"
    recorded = RecordedScores(member.number, member.folder, config, result.best_rung, result.scores)
    device = pick_device(config.compute.device)
    for task in tasks:
        examples = resources.examples(config, config.tasks[task].spec, "dev", trained.tokenizer)
        predictions = predict(trained.model, config, examples, trained.layout, device)
        recorded.check(task, predictions, np.asarray(examples.labels))

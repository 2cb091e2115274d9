"""Check that what an ensemble's members predict is what was recorded: the stored predictions, and their models'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from core.inputs.resources import Resources, pick_device
from core.model_files.model_folder import TrainedModel
from core.scoring import predict
from data.reading import RawSplit
from search.ensemble.members import Member
from search.trials.artifacts import check_predictions
from search.trials.recomputed_scores import RecordedScores

__all__ = ["check_member", "check_predicted", "check_stored"]


def check_member(member: Member, trained: TrainedModel, resources: Resources, tasks: Iterable[str]) -> None:
    """Predict for dev with a member's model, and compare its scores in these tasks with the recorded ones.

    Raises:
        UserError: they differ by more than rounding.
    """
    recorded, config = _recorded(member), member.config
    device = pick_device(config.compute.device)
    for task in tasks:
        examples = resources.examples(config, config.tasks[task].spec, "dev", trained.tokenizer)
        predictions = predict(trained.model, config, examples, trained.layout, device)
        recorded.check(task, predictions, np.asarray(examples.labels))


def check_predicted(member: Member, predictions: Mapping[str, np.ndarray], dev: Mapping[str, RawSplit]) -> None:
    """Compare the scores of what the models of a member's folds predict for dev with the recorded ones.

    Raises:
        UserError: they differ by more than rounding.
    """
    for task, examples in dev.items():
        _recorded(member).check(task, predictions[task], np.asarray(examples.labels), examples.folds)


def _recorded(member: Member) -> RecordedScores:
    result = member.result
    assert result.best_rung is not None, "that is what makes it a scored trial"
    return RecordedScores(member.number, member.folder, member.config, result.best_rung, result.scores)


def check_stored(members: Iterable[Member], dev: Mapping[str, RawSplit]) -> None:
    """Check the members' stored predictions: with the labels, they must give the recorded scores.

    Args:
        dev: the dev examples that trials are scored on, of each task.

    Raises:
        UserError: they do not; the message names the trial and the task.
    """
    for member in members:
        for task, examples in dev.items():
            gold, recorded = np.asarray(examples.labels), member.result.scores[task]
            spec, number = member.config.tasks[task].spec, member.number
            check_predictions(member.predictions[task], gold, recorded, spec, number, examples.folds)

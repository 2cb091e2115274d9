"""Average the predictions of trials."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.ensembles import average
from core.fold_models import predict_with_folds
from core.inputs.best_model import load_best_model
from core.inputs.dev_gold import dev_examples
from core.inputs.resources import Resources, pick_device
from core.scoring import DevScores, predict
from data.reading import RawSplit, read_split
from data.tasks import SplitName
from search.ensemble.member_check import check_member, check_predicted
from search.ensemble.members import Member
from search.ensemble.result import Ensemble, Output
from search.ensemble.selection import Shares
from search.trials.prediction_files import check_complete, predicted_splits

__all__ = ["average_predictions"]

_Predictions = dict[tuple[str, SplitName], np.ndarray]  # of a task and split: (N, K) or (N,)


def average_predictions(
    members: Sequence[Member], shares: Shares, dev: Mapping[str, RawSplit], resources: Resources, dev_only: bool
) -> Ensemble:
    """Make the ensemble and its predictions for dev and test.

    Dev predictions are averaged as the trials stored them. Models are needed for test, and for dev where trials were
    scored on a part of it: each is loaded once.

    Args:
        members: at least those that have a share.
        shares: of every task.
        dev_only: write no more than can be had without models.
    """
    used = [member for member in members if any(member.number in of_task for of_task in shares.values())]
    config = used[0].config
    shares = {task: shares[task] for task in config.tasks}  # in the study's order
    stored = {task: _averaged({m.number: m.predictions[task] for m in used}, shares[task]) for task in shares}
    gold = {task: np.asarray(examples.labels) for task, examples in dev.items()}
    scores = DevScores(config, stored, gold, folds={task: examples.folds for task, examples in dev.items()})
    if dev_only:
        return Ensemble(
            "averaged predictions",
            used,
            shares,
            scores,
            [Output(config.tasks[task].spec, "dev", dev[task].ids, dev[task].labels, stored[task]) for task in shares],
        )
    whole: dict[tuple[str, SplitName], RawSplit] = {
        (task, split): read_split(config.tasks[task].spec, Path(config.data.directory), split)
        for task in shares
        for split in predicted_splits(config.tasks[task].spec)
    }
    for (task, split), raw in whole.items():
        check_complete(config.tasks[task].spec, split, raw.skipped)
    known: _Predictions = {(task, "dev"): stored[task] for task in shares if len(dev[task]) == len(whole[task, "dev"])}
    known |= _predict(used, shares, [place for place in whole if place not in known], resources)
    outputs = [
        Output(config.tasks[task].spec, split, raw.ids, raw.labels, known[task, split])
        for (task, split), raw in whole.items()
    ]
    return Ensemble("averaged predictions", used, shares, scores, outputs)


def _predict(
    members: Sequence[Member], shares: Shares, wanted: Sequence[tuple[str, SplitName]], resources: Resources
) -> _Predictions:
    found: dict[tuple[str, SplitName], dict[int, np.ndarray]] = defaultdict(dict)
    for member in members:
        config = member.config
        if config.models > 1:
            for (task, split), predictions in _predict_with_folds(member, shares, wanted, resources).items():
                found[task, split][member.number] = predictions
            continue
        trained = load_best_model(member.folder, config, resources)
        device = pick_device(config.compute.device)
        check_member(member, trained, resources, [task for task in shares if member.number in shares[task]])
        for task, split in wanted:
            if member.number in shares[task]:
                examples = resources.examples(config, config.tasks[task].spec, split, trained.tokenizer)
                predictions = predict(trained.model, config, examples, trained.layout, device)
                found[task, split][member.number] = predictions
    return {(task, split): _averaged(found[task, split], shares[task]) for task, split in wanted}


def _predict_with_folds(
    member: Member, shares: Shares, wanted: Sequence[tuple[str, SplitName]], resources: Resources
) -> _Predictions:
    """Predict with the models of a member's folds, and check those for dev."""
    own = [(task, split) for task, split in wanted if member.number in shares[task]]
    predicted = predict_with_folds(member.folder, member.config, resources, own)
    check_predicted(member, predicted.dev, {task: dev_examples(member.config, task) for task in shares})
    return predicted.others


def _averaged(predictions: Mapping[int, np.ndarray], shares: Mapping[int, float]) -> np.ndarray:
    return average([predictions[number] for number in shares], list(shares.values()))

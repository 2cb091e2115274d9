"""Predict with the models of a run over folds: each for the rows that it has not seen, all together for others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.config import RunConfig
from core.ensembles import average
from core.fold_runs import in_dev_order
from core.inputs.best_model import load_best_model, model_runs
from core.inputs.resources import Resources, pick_device
from core.run.run_folder import RunFolder
from core.scoring import predict
from data.tasks import SplitName

__all__ = ["FoldPredictions", "predict_with_folds"]


@dataclass(frozen=True)
class FoldPredictions:
    """What the models of all folds predict: class probabilities (N, K) or scores (N,).

    Attributes:
        dev: per task, for every row by the model that has not seen it, in dev order.
        others: per task and split, the average of all models; see :mod:`core.ensembles.averaging`.
    """

    dev: dict[str, np.ndarray]
    others: dict[tuple[str, SplitName], np.ndarray]


def predict_with_folds(
    folder: RunFolder, config: RunConfig, resources: Resources, others: Iterable[tuple[str, SplitName]]
) -> FoldPredictions:
    """Predict with one model after the other; one is in memory at a time.

    Args:
        folder: of the run, with its models.
        config: a run over folds.
        resources: tokenises the splits.
        others: tasks and splits to predict with all models.

    Raises:
        UserError: as :func:`core.inputs.best_model.load_best_model`.
    """
    dev: dict[str, list[np.ndarray]] = defaultdict(list)
    found: dict[tuple[str, SplitName], list[np.ndarray]] = {place: [] for place in others}
    folds: dict[str, np.ndarray] = {}
    for run, own in model_runs(folder, config):
        trained = load_best_model(run, own, resources)
        device = pick_device(own.compute.device)
        for task in config.tasks:
            rows = resources.scored_dev(own, task, trained.tokenizer)
            dev[task].append(predict(trained.model, own, rows, trained.layout, device))
            if task not in folds:
                folds[task] = np.asarray(resources.scored_dev(config, task, trained.tokenizer).folds)
        for (task, split), parts in found.items():
            examples = resources.examples(own, own.tasks[task].spec, split, trained.tokenizer)
            parts.append(predict(trained.model, own, examples, trained.layout, device))
    return FoldPredictions(
        {task: in_dev_order(folds[task], parts) for task, parts in dev.items()},
        {place: average(parts) for place, parts in found.items()},
    )

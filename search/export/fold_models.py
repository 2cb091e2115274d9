"""Write the predictions of a trial over folds for dev and test, and its models, which predict together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial

from core.config import RunConfig
from core.fold_models import predict_with_folds
from core.inputs.best_model import load_best_model, model_runs
from core.inputs.dev_gold import dev_examples
from core.inputs.resources import Resources
from core.model_files.ensemble_folder import save_ensemble_folder
from core.model_files.model_folder import TrainedModel, check_replaceable
from core.run.run_folder import RunFolder
from core.scoring import DevScores
from core.statistics import calibrate_tasks
from data.reading import read_split
from search.analysis.model_card import write_model_card
from search.export.trial import recorded_scores, trial_provenance
from search.trials.prediction_files import (
    PROVENANCE,
    check_complete,
    check_replaceable_predictions,
    predicted_splits,
    remove_predictions,
    write_provenance,
    write_split,
)

__all__ = ["export_fold_models"]


def export_fold_models(
    study: str,
    trial: FrozenTrial,
    folder: RunFolder,
    config: RunConfig,
    resources: Resources,
    out: Path,
    expected: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write ``predictions/`` and ``model/`` below ``out``; arguments and result are those of ``export_trial``.

    Every row of dev is predicted by the model that was trained without its fold; test, and new text, by the average of
    all models. Temperatures are those of the dev predictions; the average, which is less confident, gets the same.
    ``model/`` is the folder of an ensemble, in which each model has the same share.

    Raises:
        UserError: as :func:`search.export.trial.export_trial`.
    """
    check_replaceable(out / "model")
    check_replaceable_predictions(out, config.tasks)
    dev = {task: dev_examples(config, task) for task in config.tasks}
    directory = Path(config.data.directory)
    others = {
        (name, split): read_split(task.spec, directory, split)
        for name, task in config.tasks.items()
        for split in predicted_splits(task.spec)
        if split != "dev"
    }
    for (name, split), raw in others.items():
        check_complete(config.tasks[name].spec, split, raw.skipped)
    predicted = predict_with_folds(folder, config, resources, others)
    best = folder.read_best_evaluation()
    recorded = recorded_scores(trial, folder, config, best)
    gold = {name: np.asarray(raw.labels) for name, raw in dev.items()}
    for name, raw in dev.items():
        recorded.check(name, predicted.dev[name], gold[name], raw.folds)
    calibrations = calibrate_tasks([task.spec for task in config.tasks.values()], predicted.dev, gold)
    temperatures = {name: found.temperature for name, found in calibrations.items()}
    remove_predictions(out, config.tasks)
    for name, raw in dev.items():
        spec, of_dev = config.tasks[name].spec, predicted.dev[name]
        write_split(out, spec, "dev", raw.ids, of_dev, temperatures.get(name, 1.0))
    for (name, split), raw in others.items():
        spec, averaged = config.tasks[name].spec, predicted.others[name, split]
        write_split(out, spec, split, raw.ids, averaged, temperatures.get(name, 1.0))
    scores = DevScores(config, predicted.dev, gold, folds={name: raw.folds for name, raw in dev.items()})
    provenance = {
        **trial_provenance(study, trial, folder, config, best, scores, expected),
        "folds": config.models,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    runs = model_runs(folder, config)
    shares = {task: {run.path.name: 1 / len(runs) for run, _ in runs} for task in config.tasks}
    save_ensemble_folder(
        out / "model", _models(folder, config, resources, provenance), shares, provenance, calibrations
    )
    write_model_card(out / "model", provenance, config, calibrations)
    write_provenance(out / "predictions" / PROVENANCE, provenance)
    return provenance


def _models(
    folder: RunFolder, config: RunConfig, resources: Resources, provenance: dict[str, Any]
) -> Iterator[tuple[str, TrainedModel, dict[str, Any]]]:
    common = {key: provenance[key] for key in ("study", "trial", "seed", "tasks", "data_sha256", "code", "versions")}
    for run, own in model_runs(folder, config):
        trained = load_best_model(run, own, resources)
        best = run.read_best_evaluation()
        yield (
            run.path.name,
            replace(trained, model=trained.model.cpu()),
            {**common, "fold": own.data.fold, "dev": {"overall": best.overall, **best.scores}},
        )

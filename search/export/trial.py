"""Write a trial's predictions for dev and test, and its model."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial

from core.config import RunConfig
from core.inputs.best_model import load_best_model
from core.inputs.resources import Resources, pick_device
from core.model_files.model_folder import save_model_folder
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.scoring import DevScores, predict
from search.recorded.provenance import described, made_from
from search.trials.prediction_files import (
    PROVENANCE,
    predicted_splits,
    remove_predictions,
    write_provenance,
    write_split,
)

__all__ = ["export_trial"]


def export_trial(
    study: str,
    trial: FrozenTrial,
    folder: RunFolder,
    config: RunConfig,
    resources: Resources,
    out: Path,
    expected: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write ``predictions/`` and ``model/`` below ``out``, and return the provenance, which contains the dev scores.

    The config is the trial's, with the data folder to predict for. The expected scores on new data are recorded if
    known. ``predictions/provenance.json`` is written last: an export that was interrupted has none.

    Raises:
        UserError: the model in the folder does not fit the RunConfig, or was written by an earlier version.
    """
    trained = load_best_model(folder, config, resources)
    remove_predictions(out, config.tasks)
    device = pick_device(config.compute.device)
    dev, gold = {}, {}
    for name, task in config.tasks.items():
        for split in predicted_splits(task.spec):
            examples = resources.examples(config, task.spec, split)
            outputs = predict(trained.model, config, examples, trained.layout, device)
            write_split(out, task.spec, split, examples.ids, outputs)
            if split == "dev":
                dev[name], gold[name] = outputs, np.asarray(examples.labels)
    scores = DevScores(config, dev, gold)
    best = Evaluation.from_json(folder.best_evaluation.read_text(encoding="utf-8"))
    provenance = {
        "study": study,
        "trial": trial.number,
        "params": trial.params,
        "seed": config.seed,
        "rung": best.rung,
        "tasks": described(config),
        "dev": {"overall": scores.overall, **scores.scores},
        **({} if expected is None else {"expected": expected}),
        "dev_metrics": scores.metrics,
        "dev_confusion": scores.confusion,
        "config_sha256": config.digest,
        **made_from(config),
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    save_model_folder(out / "model", replace(trained, model=trained.model.cpu()), provenance)
    write_provenance(out / "predictions" / PROVENANCE, provenance)
    return provenance

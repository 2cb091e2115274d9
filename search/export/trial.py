"""Write a trial's predictions for dev and test, and its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial

from core.config import RunConfig
from core.inputs.best_model import load_best_model
from core.inputs.resources import Resources, pick_device
from core.model_files.formats.names import FormatName
from core.model_files.formats.registry import built_formats, plan_formats
from core.model_files.formats.written import check_free
from core.model_files.model_folder import check_replaceable, save_model_folder
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.scoring import DevScores, predict
from core.statistics import calibrate_tasks
from data.examples import Examples
from data.tasks import SplitName, TaskSpec
from search.analysis.model_card import write_model_card
from search.recorded.provenance import described, made_from
from search.trials.prediction_files import (
    PROVENANCE,
    check_complete,
    check_replaceable_predictions,
    predicted_splits,
    remove_predictions,
    write_provenance,
    write_split,
)
from search.trials.recomputed_scores import RecordedScores
from search.trials.record import TrialResult

__all__ = ["export_trial", "recorded_scores", "trial_provenance"]


def export_trial(
    study: str,
    trial: FrozenTrial,
    folder: RunFolder,
    config: RunConfig,
    resources: Resources,
    out: Path,
    expected: dict[str, Any] | None = None,
    formats: Sequence[FormatName] = (),
) -> dict[str, Any]:
    """Write ``predictions/`` and ``model/`` below ``out``, and return the provenance, which contains the dev scores.

    The config is the trial's, with the data folder to predict for. The expected scores on new data are recorded if
    known. Tasks are also written for the libraries in ``formats``, as far as these can hold them.
    ``predictions/provenance.json`` is written last: an export that was interrupted has none.

    Nothing is written unless the model still has the recorded scores on dev, every row of test can be predicted, and
    all formats can be built.

    Raises:
        UserError: the model in the folder does not fit the RunConfig, was written by an earlier version, or has other
            scores on dev than the recorded ones; a row of test cannot be read; there are files below ``out`` that
            would be lost.
    """
    check_replaceable(out / "model")
    check_replaceable_predictions(out, config.tasks)
    trained = load_best_model(folder, config, resources)
    plan = plan_formats(trained, formats)
    check_free(out / "model", plan.formats)
    best = folder.read_best_evaluation()
    device = pick_device(config.compute.device)

    def predicted(spec: TaskSpec, split: SplitName) -> tuple[Examples, np.ndarray]:
        examples = resources.examples(config, spec, split, trained.tokenizer)
        check_complete(spec, split, examples.skipped)
        return examples, predict(trained.model, config, examples, trained.layout, device)

    dev = {name: predicted(task.spec, "dev") for name, task in config.tasks.items()}
    gold = {name: np.asarray(examples.labels) for name, (examples, _) in dev.items()}
    recorded = recorded_scores(trial, folder, config, best)
    for name, (_, outputs) in dev.items():
        recorded.check(name, outputs, gold[name])
    splits = [
        (task.spec, split, *(dev[name] if split == "dev" else predicted(task.spec, split)))
        for name, task in config.tasks.items()
        for split in predicted_splits(task.spec)
    ]
    outputs_of_dev = {name: outputs for name, (_, outputs) in dev.items()}
    calibrations = calibrate_tasks([task.spec for task in config.tasks.values()], outputs_of_dev, gold)
    temperatures = {name: found.temperature for name, found in calibrations.items()}
    scores = DevScores(config, outputs_of_dev, gold)
    provenance = {
        **trial_provenance(study, trial, folder, config, best, scores, expected),
        **({"formats": {"written": plan.formats, "refused": plan.refusals}} if formats else {}),
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    trained = replace(trained, model=trained.model.cpu())
    with built_formats(out / "model", trained, plan, temperatures) as put_formats_in:
        remove_predictions(out, config.tasks)
        for spec, split, examples, outputs in splits:
            write_split(out, spec, split, examples.ids, outputs, temperatures.get(spec.name, 1.0))
        save_model_folder(out / "model", trained, provenance, calibrations)
        put_formats_in()
    if "onnx-int8" in plan.formats:
        from search.analysis.int8_cost import int8_sentences

        place = out / "model" / "onnx-int8"
        provenance["formats"]["int8"] = int8_sentences(place, config, trained.layout, dev, temperatures)
    write_model_card(out / "model", provenance, config, calibrations)
    write_provenance(out / "predictions" / PROVENANCE, provenance)
    return provenance


def trial_provenance(
    study: str,
    trial: FrozenTrial,
    folder: RunFolder,
    config: RunConfig,
    best: Evaluation,
    scores: DevScores,
    expected: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return where predictions and a model come from, as JSON data; all but the expected scores are as for export.

    Args:
        study: name of the study.
        trial: that is exported.
        folder: of the trial.
        config: its run.
        best: the evaluation of the model, or of the models of all folds.
        scores: on dev.
        expected: the expected scores on new data; None if not known.
    """
    return {
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
        "encoder": folder.read_encoder(),
        **made_from(config),
    }


def recorded_scores(trial: FrozenTrial, folder: RunFolder, config: RunConfig, best: Evaluation) -> RecordedScores:
    """Return the scores in the storage; where it has none, those in the trial's folder."""
    result = TrialResult.read(trial.user_attrs)
    rung, scores = (best.rung, best.scores) if result.best_rung is None else (result.best_rung, result.scores)
    return RecordedScores(trial.number, folder, config, rung, scores)

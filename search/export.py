"""``python -m search.export``: the winner's predictions for dev and test, and its model."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import typer
from optuna.trial import FrozenTrial
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file

from core.config import RunConfig
from core.evaluation import Evaluation
from core.model_folder import TrainedModel, save_model_folder
from core.multitask import build_model
from core.resources import Resources, pick_device
from core.run_folder import RunFolder
from core.scoring import DevScores, predict
from data.errors import UserError
from search.exit_codes import entry_point
from search.finished_study import open_study, pick_trial
from search.further_check import check_further
from search.options import RUNS, DataDir, RunsDir, StorageUrl
from search.prediction_files import prediction_values, write_predictions
from search.preflight import check_data
from search.provenance import code_version, package_versions
from search.space import Space
from search.summary import python_command
from search.trial_folders import TrialFolders

__all__ = ["export_trial", "main"]


def export_trial(
    study: str, trial: FrozenTrial, folder: RunFolder, config: RunConfig, resources: Resources, out: Path
) -> dict[str, Any]:
    """Write ``predictions/`` and ``model/`` below ``out``; returns the provenance, which holds the dev scores.

    Args:
        study: name of the study.
        trial: the trial to export.
        folder: its artifact folder.
        config: its RunConfig, with the data folder to predict for.
        resources: loads encoder, tokenizer and data.
        out: made if missing.

    Raises:
        UserError: if the model in the folder is not one of the RunConfig, or is of an earlier version.
    """
    torch.set_num_threads(config.compute.threads)  # as in training, so that the dev scores come out the same
    encoder = resources.encoder(config)
    device = pick_device(config.compute.device)
    model = build_model(config, encoder.config, None)
    try:
        model.load_state_dict(load_file(folder.best_model))
    except RuntimeError as error:
        raise UserError(
            f"{folder.best_model}: not a model of {folder.config}, or of an earlier version; "
            "search again under a new --name"
        ) from error
    trained = TrainedModel(model.to(device).eval(), config, encoder.tokenizer)
    dev, gold = {}, {}
    for name, task in config.tasks.items():
        for split in ("dev", "test"):
            if split == "test" and task.spec.files.test is None:
                continue
            examples = resources.examples(config, task.spec, split)
            outputs = predict(trained.model, config, examples, trained.layout, device)
            path = out / "predictions" / f"{name}-{split}-output.csv"
            write_predictions(path, task.spec, examples.ids, prediction_values(task.spec, outputs))
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
        "dev": {"overall": scores.overall, **scores.scores},
        "dev_metrics": scores.metrics,
        "dev_confusion": scores.confusion,
        "config_sha256": config.digest,
        # The study's own covers the further examples of all its trials, this one those of its best: they are the same
        # unless the study searches them.
        "data_sha256": check_further(check_data(config), config, Space(()), resources.answers_dir).digest,
        "code": code_version(),
        "versions": package_versions(),
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    save_model_folder(out / "model", TrainedModel(model.cpu(), config, encoder.tokenizer), provenance)
    (out / "predictions" / "provenance.json").write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")
    return provenance


def _stored_config(folder: RunFolder, data: Path | None) -> RunConfig:
    """The trial's RunConfig, reading its data from ``data`` if given."""
    if not folder.best_model.is_file():
        raise UserError(
            f"{folder.path}: the model is gone; studies keep the models of their best trials only (keep_models)"
        )
    try:
        config = RunConfig.model_validate_json(folder.config.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise UserError(f"{folder.config}: cannot be read: {' '.join(str(error).split())}") from error
    if data is None:
        return config
    return RunConfig.model_validate({**config.model_dump(), "data": {"directory": str(data)}})


@entry_point
def main(
    study: Annotated[str, typer.Option(help="Name of the study.")],
    trial: Annotated[int | None, typer.Option(help="Export this trial instead of the best one.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to; by default runs/STUDY/export.")] = None,
    data: DataDir = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"] | None, typer.Option(help="By default the trial's.")
    ] = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Write the best trial's predictions for every task's dev and test files, and its model.

    predictions/TASK-dev-output.csv and TASK-test-output.csv hold a line per example in the input file's order.
    model/ holds the encoder in Hugging Face layout (transformers.AutoModel loads it), the heads, the tokenizer, the
    configuration, and where it all comes from. Where every task has its own encoder, they are in model/encoders/TASK.

    Example: python -m search.export --study quickstart
    """
    opened = open_study(study, storage, runs_dir)
    chosen = pick_trial(opened, trial)
    folder = TrialFolders(runs_dir / study).run(chosen.number)
    if not folder.path.is_dir():
        raise UserError(
            f"{folder.path}: the folder of trial {chosen.number} is not there; --runs-dir says where to look"
        )
    config = _stored_config(folder, data)
    if device is not None:
        config = config.model_copy(update={"compute": config.compute.model_copy(update={"device": device})})
    out = out or runs_dir / study / "export"
    with Console(stderr=True).status(f"predicting with trial {chosen.number}"):
        provenance = export_trial(study, chosen, folder, config, Resources(runs_dir / "cache"), out)
    _show(out, config, provenance)


def _show(out: Path, config: RunConfig, provenance: dict[str, Any]) -> None:
    console = Console(highlight=False)
    table = Table(
        title=f"study {provenance['study']}, trial {provenance['trial']}: scores on dev", title_justify="left"
    )
    for heading in ("task", "metric", "score"):
        table.add_column(heading)
    for name, task in config.tasks.items():
        table.add_row(name, task.spec.metric, f"{provenance['dev'][name]:.4f}")
    table.add_row("overall", "", f"{provenance['dev']['overall']:.4f}")
    console.print(table)
    console.print(f"predictions: {out / 'predictions'}", soft_wrap=True)
    console.print(f"model:       {out / 'model'}", soft_wrap=True)
    predict_new = f"{python_command()} -m search.predict --model-dir {out / 'model'} --task {next(iter(config.tasks))}"
    console.print(f"new text:    {predict_new} < sentences.txt", soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)

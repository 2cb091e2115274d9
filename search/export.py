"""``python -m search.export``: the winner's predictions for dev and test, and its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import optuna
import typer
from optuna.trial import FrozenTrial
from rich.console import Console

from core.config import RunConfig
from core.inputs.best_model import load_best_model
from core.inputs.resources import Resources, pick_device
from core.model_files.model_folder import save_model_folder
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.scoring import DevScores, predict
from data.errors import UserError
from search.analysis.expected_score import Estimate, estimate_trial
from search.analysis.expected_text import estimate_sentences, expectation_text
from search.console.exit_codes import entry_point
from search.console.options import DataDir, OtherDevice, RunsDir, StorageUrl
from search.console.summary import python_command
from search.display.table import Table
from search.display.terminal_table import print_table
from search.ensemble.ensemble_export import export_ensemble
from search.ensemble.ensemble_table import ensemble_table
from search.finalists.final_outcome import final_sentences
from search.recorded.provenance import described, made_from
from search.recorded.ranking import open_study, pick_trial
from search.storage.open import open_storage
from search.trials.artifacts import require_model, stored_config
from search.trials.folders import RUNS, TrialFolders
from search.trials.prediction_files import (
    PROVENANCE,
    predicted_splits,
    remove_predictions,
    write_provenance,
    write_split,
)
from search.trials.record import TrialRecord

__all__ = ["export_trial", "main"]


def export_trial(
    study: str,
    trial: FrozenTrial,
    folder: RunFolder,
    config: RunConfig,
    resources: Resources,
    out: Path,
    expected: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write ``predictions/`` and ``model/`` below ``out``; returns the provenance, which holds the dev scores.

    ``predictions/provenance.json`` is written last: an export that was cut short has none.

    Args:
        study: name of the study.
        trial: the trial to export.
        folder: its artifact folder.
        config: its RunConfig, with the data folder to predict for.
        resources: loads encoder, tokenizer and data.
        out: made if missing.
        expected: what the trial is expected to score on new data, if that is known.

    Raises:
        UserError: if the model in the folder is not one of the RunConfig, or is of an earlier version.
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


@entry_point
def main(
    study: Annotated[str, typer.Option(help="Name of the study.")],
    trial: Annotated[int | None, typer.Option(help="Export this trial instead of the best one.")] = None,
    ensemble: Annotated[
        int | None, typer.Option(min=2, help="Export an ensemble of up to N of the trials whose models are kept.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to; by default runs/STUDY/export.")] = None,
    data: DataDir = None,
    device: OtherDevice = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Write the best trial's predictions for every task's dev and test files, and its model; or an ensemble's.

    predictions/TASK-dev-output.csv and TASK-test-output.csv hold a line per example in the input file's order.
    model/ holds the encoder in Hugging Face layout (transformers.AutoModel loads it), the heads, the tokenizer, the
    configuration, and where it all comes from. Where every task has its own encoder, they are in model/encoders/TASK.
    Of an ensemble, model/ holds such a folder of every member, and what share each has in the average.

    Example: python -m search.export --study quickstart
    """
    if ensemble is not None and trial is not None:
        raise UserError("--ensemble selects several trials, --trial names one: give one of the two")
    opened = open_study(study, storage, runs_dir)
    if ensemble is not None:
        _export_ensemble(opened, ensemble, out or runs_dir / study / "export", runs_dir, data, device)
        return
    chosen = pick_trial(opened, trial)
    folder = TrialFolders(runs_dir / study).run(chosen.number)
    original = TrialRecord.read(chosen).repeat_of
    require_model(folder, "" if original is None else f"; this one is the same as trial {original}: export that")
    config = stored_config(folder, data, device)
    out = out or runs_dir / study / "export"
    with Console(stderr=True).status(f"predicting with trial {chosen.number}"):
        estimate, unknown = estimate_trial(opened, chosen.number, TrialFolders(runs_dir / study), data)
        expected = None if estimate is None else estimate.to_dict()
        provenance = export_trial(study, chosen, folder, config, Resources(runs_dir / "cache"), out, expected)
    lines = estimate_sentences(estimate, unknown)
    if trial is None:
        lines += final_sentences(opened, chosen.number, open_storage(storage, runs_dir))
    _show(out, config, provenance, estimate, lines)


def _export_ensemble(
    study: optuna.Study, most: int, out: Path, runs_dir: Path, data: Path | None, device: str | None
) -> None:
    folders, resources = TrialFolders(runs_dir / study.study_name), Resources(runs_dir / "cache")
    with Console(stderr=True).status("selecting an ensemble, and predicting with it"):
        ensemble, lines = export_ensemble(study, folders, most, out, resources, data=data, device=device)
    console = Console(highlight=False)
    print_table(console, ensemble_table(study.study_name, ensemble))
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    _show_places(console, out, next(iter(ensemble.shares)))


def _show(
    out: Path, config: RunConfig, provenance: dict[str, Any], estimate: Estimate | None, lines: Sequence[str]
) -> None:
    console = Console(highlight=False)
    headings = ("task", "metric", "score", *(["expected on new data"] if estimate else []))
    rows = (
        (name, metric, f"{provenance['dev'][name]:.4f}", *([expectation_text(estimate.rows[name])] if estimate else []))
        for name, metric in [*((name, task.spec.metric.name) for name, task in config.tasks.items()), ("overall", "")]
    )
    title = f"study {provenance['study']}, trial {provenance['trial']}: scores on dev"
    print_table(console, Table(title, headings, tuple(rows)))
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    _show_places(console, out, next(iter(config.tasks)))


def _show_places(console: Console, out: Path, task: str) -> None:
    console.print(f"predictions: {out / 'predictions'}", soft_wrap=True)
    console.print(f"model:       {out / 'model'}", soft_wrap=True)
    predict_new = f"{python_command()} -m search.predict --model-dir {out / 'model'} --task {task}"
    console.print(f"new text:    {predict_new} < sentences.txt", soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)

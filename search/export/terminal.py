"""Export a trial or an ensemble and print its scores and where it was written."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from rich.console import Console

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model_files.calibration_file import load_calibration
from core.model_files.card_file import kept_card_note
from core.model_files.formats.names import FormatName
from data.errors import UserError
from search.analysis.calibration_lines import calibration_lines
from search.analysis.expected_score import Estimate, estimate_trial
from search.analysis.expected_text import estimate_sentences, expectation_text
from search.console.summary import command_line
from search.display.console import make_console
from search.display.table import Table
from search.display.terminal_table import print_table
from search.ensemble.ensemble_export import export_ensemble
from search.ensemble.result import ensemble_table
from search.export.fold_models import export_fold_models
from search.export.trial import export_trial
from search.finalists.final_outcome import final_sentences
from search.recorded.ranking import pick_trial
from search.trials.artifacts import require_model, stored_config
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord

__all__ = ["export_and_show", "export_ensemble_and_show"]


def export_and_show(
    study: optuna.Study,
    folders: TrialFolders,
    number: int | None,
    out: Path,
    data: Path | None,
    device: str | None,
    storage: BaseStorage,
    formats: Sequence[FormatName] = (),
) -> None:
    """Export one trial, the best one for ``number`` None, and print its scores.

    Data and device of None are those of the search. The storage may contain the study's finalists. Tasks are also
    written for the libraries in ``formats``.

    Raises:
        UserError: there is no such trial, its model is gone, or it cannot be used.
    """
    chosen = pick_trial(study, number)
    folder = folders.run(chosen.number)
    original = TrialRecord.read(chosen).repeat_of
    require_model(folder, "" if original is None else f"; this trial is a repeat of trial {original}: export that one")
    config = stored_config(chosen, folder, data, device)
    if config.models > 1 and formats:
        raise UserError(
            f"--format cannot write the {config.models} models of the folds, which predict together; leave it out"
        )
    with make_console(stderr=True).status(f"predicting with trial {chosen.number}"):
        estimate, unknown = estimate_trial(study, chosen.number, folders, data)
        expected = None if estimate is None else estimate.to_dict()
        resources = Resources(folders.root.parent / "cache")
        name = study.study_name
        if config.models > 1:
            provenance = export_fold_models(name, chosen, folder, config, resources, out, expected)
        else:
            provenance = export_trial(name, chosen, folder, config, resources, out, expected, formats)
    lines = estimate_sentences(estimate, unknown)
    if number is None:
        lines += final_sentences(study, chosen.number, storage)
    _show(out, config, provenance, estimate, lines)


def export_ensemble_and_show(
    study: optuna.Study, folders: TrialFolders, most: int, out: Path, data: Path | None, device: str | None
) -> None:
    """Select an ensemble of up to ``most`` trials, export it and print its scores; see :func:`export_and_show`."""
    resources = Resources(folders.root.parent / "cache")
    with make_console(stderr=True).status("selecting an ensemble, and predicting with it"):
        ensemble, lines = export_ensemble(study, folders, most, out, resources, data=data, device=device)
    console = make_console()
    print_table(console, ensemble_table(study.study_name, ensemble))
    _show_places(console, lines, out, next(iter(ensemble.shares)))


def _show(
    out: Path, config: RunConfig, provenance: dict[str, Any], estimate: Estimate | None, lines: Sequence[str]
) -> None:
    console = make_console()
    headings = ("task", "metric", "score", *(["expected on new data"] if estimate else []))
    rows = (
        (name, metric, f"{provenance['dev'][name]:.4f}", *([expectation_text(estimate.rows[name])] if estimate else []))
        for name, metric in [*((name, task.spec.metric.name) for name, task in config.tasks.items()), ("overall", "")]
    )
    title = f"study {provenance['study']}, trial {provenance['trial']}: scores on dev"
    print_table(console, Table(title, headings, tuple(rows)))
    if limited := [name for name, task in config.tasks.items() if task.dev_limit is not None]:
        lines = [
            "The scores in the table are on all of dev. In the search, trials were scored on a part of it (dev_limit "
            f"of {', '.join(limited)}), and what is expected is estimated from that part.",
            *lines,
        ]
    formats = provenance.get("formats", {"written": {}, "refused": []})
    _show_places(
        console,
        [*lines, *formats["refused"], *formats.get("int8", [])],
        out,
        next(iter(config.tasks)),
        formats["written"],
    )


def _show_places(
    console: Console, lines: Sequence[str], out: Path, task: str, formats: Mapping[str, str] | None = None
) -> None:
    """Print what is known about the scores and probabilities, and where the files are."""
    for line in [*lines, *calibration_lines(load_calibration(out / "model")), *kept_card_note(out / "model")]:
        console.print(line, soft_wrap=True)
    console.print(f"predictions: {out / 'predictions'}", soft_wrap=True)
    console.print(f"model:       {out / 'model'}", soft_wrap=True)
    for written, name in (formats or {}).items():
        console.print(f"for {name}: {out / 'model' / written}", soft_wrap=True)
    predict_new = command_line(f"predict --model-dir {shlex.quote(str(out / 'model'))} --task {task}")
    console.print(f"new text:    {predict_new} < sentences.txt", soft_wrap=True)

"""``python -m search.score``: exported predictions on test labels, beside what was expected of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from core.config import TaskConfig
from core.statistics import Expectation
from data.errors import UserError
from data.task_files import builtin_tasks
from search.analysis.expected_score import estimate_trial
from search.analysis.expected_text import expectation_text, unknown_sentence
from search.analysis.measured_scores import MeasuredScore, MeasuredScores, score_predictions, verdict
from search.console.exit_codes import entry_point
from search.console.options import DataDir, RunsDir, StorageUrl
from search.display.table import Table
from search.display.terminal_table import print_table
from search.recorded.ranking import open_study, pick_trial
from search.trials.folders import RUNS, TrialFolders
from search.trials.prediction_files import prediction_path
from search.trials.record import TrialRecord

__all__ = ["main"]


@entry_point
def main(
    labels: Annotated[
        Path, typer.Option(help="Folder with the test labels: each task's test file, or TASK-labels.csv.")
    ],
    study: Annotated[str | None, typer.Option(help="Score what search.export wrote for this study.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Folder with TASK-test-output.csv files, of search.export or search.ensemble.")
    ] = None,
    data: DataDir = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Score test predictions where you have the labels, and say whether they are as good as was expected.

    A task's labels are its test file with the label column in it, or TASK-labels.csv (also TASK-test-labels.csv,
    TASK-test.csv, TASK.csv) of two columns, id and label.

    Example: python -m search.score --study starter --labels my-labels
    """
    if study is None and predictions is None:
        raise UserError("which predictions? --study NAME, or --predictions FOLDER")
    folder = _predictions_folder(predictions or runs_dir / str(study) / "export", study)
    provenance = _provenance(folder)
    expected = _read_expected(provenance.get("expected", {}))
    tasks, unknown = _described_tasks(folder, provenance), ""
    if study is not None and not (tasks and expected):
        opened = open_study(study, storage, runs_dir)
        number = pick_trial(opened, provenance.get("trial")).number
        record = TrialRecord.read(pick_trial(opened, number))
        tasks = tasks or ({} if record.config is None else dict(record.config.tasks))
        if not provenance:
            unknown = f"{folder} has no record of the trial that predicted this; export it again"
        elif not expected and "members" not in provenance:
            estimate, unknown = estimate_trial(opened, number, TrialFolders(runs_dir / study), data)
            expected = {} if estimate is None else estimate.rows
    found = score_predictions(folder, labels, tasks or _builtin_tasks(folder))
    _show(Console(highlight=False), folder, found, expected, unknown)


def _predictions_folder(given: Path, study: str | None) -> Path:
    """The folder itself, or ``predictions/`` in it."""
    for folder in (given, given / "predictions"):
        if any(folder.glob("*-test-output.csv")):
            return folder
    export = "" if study is None else f"; python -m search.export --study {study} writes them"
    raise UserError(f"{given}: no test predictions (TASK-test-output.csv) there{export}")


def _provenance(folder: Path) -> dict[str, Any]:
    """What search.export or search.ensemble recorded of these files; empty where they did not make them."""
    for path in (folder / "provenance.json", folder.parent / "ensemble.json"):
        if path.is_file():
            try:
                found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise UserError(f"{path}: cannot be read: {error}") from error
            return found
    return {}


def _read_expected(stored: Mapping[str, Any]) -> dict[str, Expectation]:
    return {name: Expectation(**one) for name, one in stored.items() if isinstance(one, dict) and "expected" in one}


def _described_tasks(folder: Path, provenance: Mapping[str, Any]) -> dict[str, TaskConfig]:
    try:
        return {name: TaskConfig.model_validate(one) for name, one in provenance.get("tasks", {}).items()}
    except ValidationError as error:
        raise UserError(f"{folder}: its provenance describes no tasks: {' '.join(str(error).split())}") from error


def _builtin_tasks(folder: Path) -> dict[str, TaskConfig]:
    """Those that files of this folder are named by."""
    named = [name for name in builtin_tasks() if prediction_path(folder, name, "test").is_file()]
    if not named:
        raise UserError(f"{folder}: nothing says which tasks these predictions are of; --study names their study")
    return {name: TaskConfig(spec=builtin_tasks()[name]) for name in named}


def _show(
    console: Console, folder: Path, found: MeasuredScores, expected: Mapping[str, Expectation], unknown: str
) -> None:
    print_table(console, _score_table(folder, found, expected))
    for note in found.notes:
        console.print(note, markup=False, soft_wrap=True)
    if found.overall is None:
        console.print("no overall score: not all tasks have labels")
    elif "overall" in expected:
        told = verdict(found.overall, expected["overall"])
        console.print(
            f"Overall on test {found.overall.score:.4f}; on dev it was {expected['overall'].dev:.4f}, and what was "
            f"expected is {expectation_text(expected['overall'])}: {told}.",
            markup=False,
            soft_wrap=True,
        )
    if unknown:
        console.print(unknown_sentence(unknown), markup=False, soft_wrap=True)


def _score_table(folder: Path, found: MeasuredScores, expected: Mapping[str, Expectation]) -> Table:
    scores = found.tasks | ({} if found.overall is None else {"overall": found.overall})
    compared = ("on dev", "was expected", "") if expected else ()
    rows = (
        (name, f"{one.examples:,}", f"{one.score:.4f} ± {one.half_width:.4f}", *_beside(one, expected.get(name)))
        for name, one in scores.items()
    )
    headings = ("", "examples", "on test", *compared)
    filled = tuple((*row, *[""] * (len(headings) - len(row))) for row in rows)
    return Table(f"{folder}: scores on test", headings, filled)


def _beside(measured: MeasuredScore, expected: Expectation | None) -> list[str]:
    return [] if expected is None else [f"{expected.dev:.4f}", expectation_text(expected), verdict(measured, expected)]


if __name__ == "__main__":
    typer.run(main)

"""Score exported predictions on test labels, and print the scores next to what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from core.config import TaskConfig
from core.statistics import Expectation
from data.errors import UserError
from data.task_files import builtin_tasks
from search.analysis.expected_score import estimate_trial
from search.analysis.expected_text import expectation_text, unknown_sentence
from search.analysis.measured_scores import MeasuredScore, MeasuredScores, score_predictions, verdict
from search.display.console import make_console
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import plus_minus
from search.recorded.ranking import open_study, pick_trial
from search.recorded.study_folder import open_folders
from search.trials.prediction_files import prediction_path
from search.trials.record import TrialRecord

__all__ = ["read_provenance", "score_and_show"]


def score_and_show(
    folder: Path, labels: Path, study: str | None, data: Path | None, storage: str | None, runs_dir: Path
) -> None:
    """Score the predictions in ``folder`` and print the result; the other arguments are the options of the command.

    Raises:
        UserError: the predictions or labels cannot be read, or do not belong together.
    """
    provenance = read_provenance(folder)
    expected = _read_expected(provenance.get("expected", {}))
    tasks, unknown = _described_tasks(folder, provenance), ""
    if study is not None and not (tasks and expected):
        opened = open_study(study, storage, runs_dir)
        number = pick_trial(opened, provenance.get("trial")).number
        record = TrialRecord.read(pick_trial(opened, number))
        tasks = tasks or ({} if record.config is None else dict(record.config.tasks))
        if not provenance:
            unknown = f"{folder} has no record of the trial that made these predictions; export it again"
        elif not expected and "members" not in provenance:
            estimate, unknown = estimate_trial(opened, number, open_folders(opened, runs_dir), data)
            expected = {} if estimate is None else estimate.rows
    found = score_predictions(folder, labels, tasks or _builtin_tasks(folder), provenance.get("test_texts_sha256"))
    _show(make_console(), folder, found, expected, unknown)


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return what export or ensemble recorded about the predictions; empty where neither wrote them.

    Raises:
        UserError: the record cannot be read.
    """
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
        raise UserError(
            f"{folder}: its provenance does not describe the tasks: {' '.join(str(error).split())}"
        ) from error


def _builtin_tasks(folder: Path) -> dict[str, TaskConfig]:
    """Return the built-in tasks whose prediction files are in the folder."""
    named = [name for name in builtin_tasks() if prediction_path(folder, name, "test").is_file()]
    if not named:
        raise UserError(
            f"{folder}: the tasks of these predictions are not recorded; pass --study with the name of their study"
        )
    return {name: TaskConfig(spec=builtin_tasks()[name]) for name in named}


def _show(
    console: Console, folder: Path, found: MeasuredScores, expected: Mapping[str, Expectation], unknown: str
) -> None:
    print_table(console, _score_table(folder, found, expected))
    for note in found.notes:
        console.print(note, soft_wrap=True)
    if found.overall is None:
        console.print("no overall score: not all tasks have labels")
    elif "overall" in expected:
        console.print(
            f"Overall on test {found.overall.score:.4f}, on dev {expected['overall'].dev:.4f}, expected "
            f"{expectation_text(expected['overall'])}: {verdict(found.overall, expected['overall'])}.",
            soft_wrap=True,
        )
    if unknown:
        console.print(unknown_sentence(unknown), soft_wrap=True)


def _score_table(folder: Path, found: MeasuredScores, expected: Mapping[str, Expectation]) -> Table:
    def row(name: str, one: MeasuredScore) -> tuple[str, ...]:
        other = expected.get(name)
        compared = ("", "", "") if other is None else (f"{other.dev:.4f}", expectation_text(other), verdict(one, other))
        return name, f"{one.examples:,}", plus_minus(one.score, one.half_width), *(compared if expected else ())

    scores = found.tasks | ({} if found.overall is None else {"overall": found.overall})
    headings = ("", "examples", "on test", *(("on dev", "expected", "") if expected else ()))
    return Table(f"{folder}: scores on test", headings, tuple(row(name, one) for name, one in scores.items()))

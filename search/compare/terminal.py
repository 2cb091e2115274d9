"""Find the trials to compare, and print, or write, what changed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from optuna.trial import FrozenTrial

from data.errors import UserError
from search.analysis.trial_difference import ChangedExample, OneTrial, TaskChanges, TrialDifference
from search.display.console import make_console
from search.display.csv_text import csv_text
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import rounded
from search.recorded.disagreements import open_checked_folders
from search.recorded.ranking import open_study, pick_trial
from search.trials.record import FinishedTrial, TrialRecord

__all__ = ["difference_file", "find_trial", "show_difference"]


def find_trial(study: str, number: int | None, storage: str | None, runs_dir: Path) -> OneTrial:
    """Return a trial of a recorded study, or its best one for None.

    Raises:
        UserError: there is no such trial, or it has no score.
    """
    opened = open_study(study, storage, runs_dir)
    trial = pick_trial(opened, number)
    record = TrialRecord.read(trial)
    label = f"{study}:{trial.number}"
    if record.config is None or record.result.overall is None:
        raise UserError(f"trial {label} has no score to compare: {_why(trial, record)}")
    return OneTrial(label, FinishedTrial.of(record), open_checked_folders(opened, runs_dir))


def _why(trial: FrozenTrial, record: TrialRecord) -> str:
    return record.result.reason.splitlines()[0] if record.result.reason else f"it is {trial.state.name.lower()}"


def show_difference(found: TrialDifference, examples: int) -> None:
    """Print the differences, with up to this number of changed dev examples for each task."""
    console = make_console()
    console.print(f"A = {found.a}, B = {found.b}\n", style="bold")
    print_table(console, _scores(found))
    console.print("The intervals account for other dev examples, but not for other seeds.\n")
    if found.settings:
        rows = tuple((change.path, rounded(change.a), rounded(change.b)) for change in found.settings)
        print_table(console, Table("", ("setting", "A", "B"), rows))
    else:
        console.print("All settings are the same.\n")
    for task, changes in found.changes.items():
        console.print(_counts(task, changes), soft_wrap=True)
        if changes.examples[:examples]:
            print_table(console, _examples(changes.examples[:examples]))


def _counts(task: str, changes: TaskChanges) -> str:
    if not changes.examples:
        return f"{task}: all {changes.total} dev examples are predicted alike"
    changed = f"{task}: {len(changes.examples)} of {changes.total} dev examples are predicted differently; "
    if changes.p_value is None:
        return changed + f"B is closer to the gold score in {changes.won}, A in {changes.lost}"
    return changed + f"B wins {changes.won} and loses {changes.lost} (McNemar's exact test: p = {changes.p_value:.2g})"


def _scores(found: TrialDifference) -> Table:
    rows = (
        (one.name, one.metric, f"{one.a:.4f}", f"{one.b:.4f}", f"{one.b - one.a:+.4f}", _interval(one.low, one.high))
        for one in found.scores
    )
    return Table("", ("task", "metric", "A", "B", "B - A", "95 % interval"), tuple(rows))


def _interval(low: float, high: float) -> str:
    return f"{low:+.4f} to {high:+.4f}"


def _examples(examples: tuple[ChangedExample, ...]) -> Table:
    rows = ((one.id, one.gold, one.a, one.b, f"{one.gain:+.2f}", " | ".join(one.sentences)) for one in examples)
    return Table("", ("id", "gold", "A", "B", "gain", "example"), tuple(rows))


def difference_file(found: TrialDifference, suffix: str) -> str:
    """Return the text of a ``.csv`` file with all changed examples, or of a ``.json`` file with everything."""
    if suffix == ".json":
        return json.dumps(asdict(found), indent=2, ensure_ascii=False) + "\n"
    rows = [
        {"task": task, **asdict(one), "sentences": " | ".join(one.sentences)}
        for task, changes in found.changes.items()
        for one in changes.examples
    ]
    return csv_text(pd.DataFrame(rows, columns=["task", *ChangedExample.__dataclass_fields__]))

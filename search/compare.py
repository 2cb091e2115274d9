"""``python -m search.compare``: two trials side by side."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from optuna.trial import FrozenTrial
from rich.console import Console

from data.errors import UserError
from search.analysis.changed_examples import ChangedExample, TaskChanges
from search.analysis.trial_difference import OneTrial, TrialDifference, trial_difference
from search.console.exit_codes import entry_point
from search.console.options import DataDir, RunsDir, StorageUrl
from search.display.table import Table
from search.display.terminal_table import print_table
from search.display.values import rounded
from search.recorded.ranking import open_study, pick_trial
from search.trials.folders import RUNS, TrialFolders
from search.trials.record import TrialRecord

__all__ = ["main"]

_ENDINGS = (".csv", ".json")


@entry_point
def main(
    a: Annotated[str, typer.Argument(metavar="A", help="STUDY:7 is its trial 7; STUDY alone its best trial.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The trial to set beside it, of any study.")],
    examples: Annotated[int, typer.Option(min=0, help="How many changed dev examples of each task to print.")] = 10,
    output: Annotated[
        Path | None,
        typer.Option(help="Write all changed examples to this .csv file, or everything to this .json file."),
    ] = None,
    data: DataDir = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Say what changes from trial A to trial B: scores on the same dev examples with 95 % intervals, settings, and the
    examples of which they predict different things.

    Example: python -m search.compare quickstart:0 quickstart
    """
    if output is not None and output.suffix not in _ENDINGS:
        raise UserError(f"--output {output}: must end in {' or '.join(_ENDINGS)}")
    first, second = (_one_trial(name, storage, runs_dir) for name in (a, b))
    if first.label == second.label:
        raise UserError(f"both are trial {first.label}; {a} and {b} must name two")
    found = trial_difference(first, second, data)
    _show(Console(highlight=False), found, examples)
    if output is not None:
        output.write_text(_file(found, output.suffix), encoding="utf-8")
        typer.echo(output)


def _one_trial(name: str, storage: str | None, runs_dir: Path) -> OneTrial:
    study, _, number = name.rpartition(":")
    if not study or not number.isdecimal():  # a study's name may hold a colon too
        study, number = name, ""
    opened = open_study(study, storage, runs_dir)
    trial = pick_trial(opened, int(number) if number else None)
    record = TrialRecord.read(trial)
    label = f"{study}:{trial.number}"
    if record.config is None or record.result.overall is None:
        raise UserError(f"trial {label} has no score to compare: {_why(trial, record)}")
    return OneTrial(label, record, TrialFolders(runs_dir / study))


def _why(trial: FrozenTrial, record: TrialRecord) -> str:
    return record.result.reason.splitlines()[0] if record.result.reason else f"it is {trial.state.name.lower()}"


def _show(console: Console, found: TrialDifference, examples: int) -> None:
    console.print(f"A = {found.a}, B = {found.b}\n", style="bold", markup=False)
    print_table(console, _scores(found))
    console.print(
        "The intervals are for other dev examples; what another seed would do is not in them.\n", markup=False
    )
    if found.settings:
        rows = tuple((change.path, rounded(change.a), rounded(change.b)) for change in found.settings)
        print_table(console, Table("", ("setting", "A", "B"), rows))
    else:
        console.print("All settings are the same.\n")
    for task, changes in found.changes.items():
        console.print(_counts(task, changes), markup=False, soft_wrap=True)
        if changes.examples[:examples]:
            print_table(console, _examples(changes.examples[:examples]))


def _counts(task: str, changes: TaskChanges) -> str:
    changed = f"{task}: of {changes.total} dev examples, {len(changes.examples)} are predicted otherwise; "
    if changes.p_value is None:
        return changed + f"B is nearer to {changes.won} gold scores, A to {changes.lost}"
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


def _file(found: TrialDifference, suffix: str) -> str:
    if suffix == ".json":
        return json.dumps(asdict(found), indent=2, ensure_ascii=False) + "\n"
    rows = [
        {"task": task, **asdict(one), "sentences": " | ".join(one.sentences)}
        for task, changes in found.changes.items()
        for one in changes.examples
    ]
    csv: str = pd.DataFrame(rows, columns=["task", *ChangedExample.__dataclass_fields__]).to_csv(index=False)
    return csv


if __name__ == "__main__":
    typer.run(main)

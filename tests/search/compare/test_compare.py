"""The command that shows two trials side by side: what it reads, prints, writes and refuses."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from search.analysis.trial_difference import trial_difference
from search.compare.__main__ import main, parse_trial
from tests.search.compare.finished_trials import trial_of

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("text", "study", "number"),
    [("tiny", "tiny", None), ("tiny:7", "tiny", 7), ("a:b", "a:b", None), ("a:b:3", "a:b", 3), (":3", ":3", None)],
)
def test_names_are_read(text: str, study: str, number: int | None) -> None:
    assert parse_trial(text) == (study, number)


def test_the_command_prints_and_writes_it(finished_study: Any, run_command: Run, tmp_path: Path) -> None:
    found = trial_difference(trial_of(finished_study, 0), trial_of(finished_study, 1))
    where = ("--runs-dir", finished_study.runs)
    done = run_command("search.compare", "tiny:0", "tiny:1", *where, "--examples", 1, "--output", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("A = tiny:0, B = tiny:1\n")
    overall = found.scores[-1]
    assert f"{overall.b - overall.a:+.4f}  {overall.low:+.4f} to {overall.high:+.4f}" in done.stdout
    assert (
        f"sts: {len(found.changes['sts'].examples)} of 60 dev examples are predicted differently; B is closer"
        in done.stdout
    )
    assert max(map(len, done.stdout.splitlines())) < 120
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(changes.examples) for changes in found.changes.values())
    assert rows[-1]["sentences"] == " | ".join(found.changes["sts"].examples[-1].sentences)
    assert in_process("tiny:0", "tiny:1", *where, "--output", tmp_path / "out.json").exit_code == 0
    everything = json.loads((tmp_path / "out.json").read_text())
    assert everything["scores"][-1]["low"] == overall.low
    assert len(everything["changes"]["sts"]["examples"]) == len(found.changes["sts"].examples)


def in_process(*arguments: object) -> Result:
    """Run the command in this process, which is faster than starting one."""
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tiny:0", "tiny:9"), "no trial 9: study 'tiny' has trials 0 to 3"),
        (("tiny:0", "tiny:0"), "both are trial tiny:0"),
        (("nothing:0", "tiny"), "--study nothing: no such study"),
        (("tiny:0", "tiny:1", "--output", "out.txt"), "--output out.txt: must end in .csv or .json"),
        (("tiny:0", "tiny:1", "--data", "nowhere"), "no data folder 'nowhere'"),
    ],
)
def test_mistakes_are_reported_in_one_line(finished_study: Any, arguments: tuple[str, ...], message: str) -> None:
    done = in_process(*arguments, "--runs-dir", finished_study.runs)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1

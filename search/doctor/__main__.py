"""The command line of ``onebert doctor``."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from search.console import cli
from search.display.console import make_console
from search.doctor.check import Check, safely
from search.doctor.packages import check_packages, check_python
from search.study.lookup import find_study

__all__ = ["main"]

_COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red"}


@cli.entry_point
def main(
    study: Annotated[str | None, typer.Option(help="Name or .toml file of a study, to check what it needs.")] = None,
    data: cli.DataDir = None,
    model: Annotated[
        str | None, typer.Option(help="Encoder to check: a folder, a Hub name such as bert-base-uncased, or minilm.")
    ] = None,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
    json: Annotated[bool, typer.Option("--json", help="Write the checks as one JSON list.")] = False,
) -> None:
    """Check everything that a study needs.

    Says how to fix what is wrong. Checks Python and packages, device, memory, threads, storage, the runs folder, its
    clock and free disk space; with --study also the study file, its data and its encoder. Nothing is changed, and
    nothing downloaded but data sets of the Hub that the study reads: a test study is written to the storage to measure
    how long that takes, and removed again. Exit codes: 0 a study would run, 2 something is wrong.

    Examples:

        onebert doctor
        onebert doctor --study quickstart --json
    """
    if study is not None:
        find_study(study)
    checks = []
    console = make_console()
    for check in _checks(study, data, model, storage, runs_dir):
        checks.append(check)
        if not json:
            _show(console, check)
    if json:
        typer.echo(json_format.dumps([asdict(check) for check in checks], indent=2))
    if any(check.state == "wrong" for check in checks):
        raise typer.Exit(cli.ExitCode.BAD_INPUT)


def _checks(
    study: str | None, data: Path | None, model: str | None, storage: str | None, runs_dir: Path
) -> Iterator[Check]:
    yield from safely("python", check_python)
    packages = safely("packages", check_packages)
    yield from packages
    if all(check.state != "wrong" for check in packages):
        from search.doctor.examination import examine  # imports these packages

        yield from examine(study, data, model, storage, runs_dir)


def _show(console: Console, check: Check) -> None:
    text = f"{check.found}; {check.advice}" if check.advice else check.found
    console.print(Text.assemble((f"{check.state:8}", _COLOURS[check.state]), f"{check.name:10}{text}"), soft_wrap=True)


if __name__ == "__main__":
    cli.make_app(main)()

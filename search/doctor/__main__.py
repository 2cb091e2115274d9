"""The command line of ``python -m search.doctor``."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from search.console.exit_codes import ExitCode, entry_point
from search.console.options import RunsDir, StorageUrl
from search.doctor.check import Check, safely
from search.doctor.packages import check_packages, check_python
from search.trials.folders import RUNS

__all__ = ["main"]

_COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red"}


@entry_point
def main(
    study: Annotated[str | None, typer.Option(help="A study's name or file: what it needs is looked at.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with the tasks' files.")] = None,
    model: Annotated[str | None, typer.Option(help="Encoder: a folder, a Hub name, or minilm.")] = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
    json: Annotated[bool, typer.Option("--json", help="Write the checks as one JSON list.")] = False,
) -> None:
    """Look at everything that a study needs, and say of each whether it is ok, and what to do if not.

    Python and packages, device, memory, threads, storage, the runs folder, its clock and free disk; with --study also
    the study file, its data and its encoder. Nothing is changed or downloaded: a study that is written into the
    storage to see how long that takes is removed again. Exit codes: 0 if a study would run, 2 if something is wrong.

    Example: python -m search.doctor --study quickstart
    """
    checks = []
    console = Console(highlight=False)
    for check in _checks(study, data, model, storage, runs_dir):
        checks.append(check)
        if not json:
            _show(console, check)
    if json:
        typer.echo(json_format.dumps([asdict(check) for check in checks], indent=2))
    if any(check.state == "wrong" for check in checks):
        raise typer.Exit(ExitCode.BAD_INPUT)


def _checks(
    study: str | None, data: Path | None, model: str | None, storage: str | None, runs_dir: Path
) -> Iterator[Check]:
    yield from safely("python", check_python)
    packages = safely("packages", check_packages)
    yield from packages
    if all(check.state != "wrong" for check in packages):
        from search.doctor.examination import examine  # needs them

        yield from examine(study, data, model, storage, runs_dir)


def _show(console: Console, check: Check) -> None:
    words = f"{check.found}; {check.advice}" if check.advice else check.found
    console.print(f"[{_COLOURS[check.state]}]{check.state:8}[/]{check.name:10}", end="")
    console.print(words, soft_wrap=True, markup=False)


if __name__ == "__main__":
    typer.run(main)

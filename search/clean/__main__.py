"""The command line of ``python -m search.clean``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from data.errors import UserError
from search.clean.survey import Cleaning, Survey
from search.clean.words import findings_table, mib
from search.console.exit_codes import ExitCode, entry_point
from search.console.options import RunsDir, StorageUrl
from search.display.terminal_table import print_table
from search.trials.folders import RUNS

__all__ = ["main"]


@entry_point
def main(
    study: Annotated[
        str | None, typer.Option(help="Look at this study's folder only; by default all, and the cache.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Keep so many of the best models; by default as many as each study does.")
    ] = None,
    orphans: Annotated[
        bool,
        typer.Option("--orphans", help="Also free models and checkpoints of trials that the storage does not know."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Free it without asking.")] = False,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Show what can be freed on disk, ask, and free it.

    That is: checkpoints of ended trials, models beyond the best, halves of files, and what the cache holds that no open
    trial is waiting for. Metrics, predictions, configurations, exports, ensembles and a language model's answers always
    stay. A study that is being run is left alone.

    Example: python -m search.clean --study quickstart --keep 1
    """
    cleaning = Cleaning(runs_dir, storage, study, keep, orphans)
    console = Console(highlight=False)
    survey = cleaning.survey()
    _show(console, survey, runs_dir)
    if not survey.findings or not (yes or _is_wanted(console)):
        return
    freed = cleaning.free(survey)
    console.print(f"freed {mib(freed.size)}")
    if freed.failures:
        more = f" (and {len(freed.failures) - 1} more)" if len(freed.failures) > 1 else ""
        raise UserError(f"cannot delete {freed.failures[0]}{more}")


def _show(console: Console, survey: Survey, runs_dir: Path) -> None:
    for note in survey.notes:
        console.print(f"left alone: {note}", soft_wrap=True)
    if not survey.findings:
        console.print(f"nothing to free in {runs_dir}", soft_wrap=True)
        return
    print_table(console, findings_table(survey.findings, runs_dir))
    if any(finding.is_cache for finding in survey.findings):
        console.print(
            "* is made again when a trial wants it; stages of further pretraining may take long", soft_wrap=True
        )


def _is_wanted(console: Console) -> bool:
    if not sys.stdin.isatty():
        console.print("nothing was deleted; the same command with --yes frees it", soft_wrap=True)
        return False
    try:
        if typer.confirm("free it?"):
            return True
    except typer.Abort:  # Ctrl-C
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    console.print("nothing was deleted")
    return False


if __name__ == "__main__":
    typer.run(main)

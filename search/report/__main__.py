"""The command line of ``python -m search.report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError
from search.analysis.seed_comparison import compare_over_seeds
from search.console.exit_codes import entry_point
from search.console.options import DataDir, RunsDir, StorageUrl, where_words
from search.recorded.ranking import open_study
from search.recorded.snapshot import snapshot
from search.report.writing import write_report
from search.storage.open import open_storage
from search.trials.folders import RUNS, TrialFolders

__all__ = ["main"]


@entry_point
def main(
    study: Annotated[str, typer.Option(help="Name of the study.")],
    out: Annotated[Path | None, typer.Option(help="Where to; by default runs/STUDY/report.")] = None,
    reference: Annotated[
        int | None,
        typer.Option(help="In a study over seeds, compare with the configuration of this trial, not with the default."),
    ] = None,
    data: DataDir = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Write what a study has found so far: an HTML page that needs no network, the same as Markdown, and CSV files.

    Where the study has variants or searches the seed, trials that differ in nothing else are one row of a comparison,
    with intervals.

    Example: python -m search.report --study quickstart
    """
    # The comparison and the report are of the same trials, also while the study goes on.
    opened, folders = snapshot(open_study(study, storage, runs_dir)), TrialFolders(runs_dir / study)
    comparison = compare_over_seeds(opened, folders, data, reference)
    if comparison is None and reference is not None:
        raise UserError(f"--reference {reference}: study '{study}' compares nothing: no variants, no seeds")
    out = out or runs_dir / study / "report"
    others, where = open_storage(storage, runs_dir), where_words(runs_dir, storage)
    for path in write_report(opened, folders, out, comparison, data, others, where):
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)

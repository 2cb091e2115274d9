"""The command line of ``onebert report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError
from search.console import cli
from search.storage.study_names import check_recorded

__all__ = ["main"]


@cli.entry_point
def main(
    study: cli.StudyName,
    out: Annotated[Path | None, typer.Option(help="Folder to write; by default runs/STUDY/report.")] = None,
    reference: Annotated[
        int | None,
        typer.Option(help="In a study over seeds: trial whose configuration to compare with, instead of the default."),
    ] = None,
    group_by: Annotated[
        list[str] | None,
        typer.Option(help="Column of the dev files: show the scores of each group of examples; repeatable."),
    ] = None,
    data: cli.MovedDataDir = None,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
) -> None:
    """Write what a study has found so far, as a page, Markdown and CSV.

    The HTML page needs no network. If the study has variants or searches the seed, trials that differ only in the seed
    form one row of a comparison, with intervals.

    Examples:

        onebert report --study quickstart
        onebert report --study starter --out starter-report --group-by source
    """
    check_recorded(study, storage, runs_dir)
    cli.check_data_folder(data)

    from search.analysis.seed_comparison import compare_over_seeds
    from search.recorded.ranking import open_study, snapshot
    from search.recorded.study_folder import open_folders
    from search.report.writing import write_report
    from search.storage.open import open_recorded

    # A snapshot, so that the comparison and the report cover the same trials while the study is running.
    recorded = open_study(study, storage, runs_dir)
    opened, folders = snapshot(recorded), open_folders(recorded, runs_dir)
    comparison = compare_over_seeds(opened, folders, data, reference)
    if comparison is None and reference is not None:
        raise UserError(f"--reference {reference}: study '{study}' compares nothing: it has neither variants nor seeds")
    out = out or runs_dir / study / "report"
    others, where = open_recorded(storage, runs_dir), cli.location_options(runs_dir, storage)
    for path in write_report(opened, folders, out, comparison, data, others, where, group_by or ()):
        typer.echo(path)


if __name__ == "__main__":
    cli.make_app(main)()

"""The command line of ``onebert init``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from search.console import cli
from search.init.data_files import task_files

__all__ = ["main"]


@cli.entry_point
def main(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Data files (CSV, TSV, JSON lines, JSON, Parquet, also in gzip), folders, or hub:ORG/NAME[/CONFIG]."
        ),
    ],
    text: Annotated[list[str] | None, typer.Option(help="Column of the text, or TASK=COLUMN; repeatable.")] = None,
    pair: Annotated[
        tuple[str, str] | None, typer.Option(help="The two columns of a pair of texts, for all tasks.")
    ] = None,
    label: Annotated[list[str] | None, typer.Option(help="Column to predict, or TASK=COLUMN; repeatable.")] = None,
    id_column: Annotated[
        list[str] | None,
        typer.Option("--id", help="Column of ids, or none for row numbers, or TASK=COLUMN; repeatable."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="classify, classify-pair, score or score-pair, or TASK=KIND; repeatable."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="Metric, such as f1 or pearson, or TASK=METRIC; repeatable.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Encoder: a folder, a Hub name, minilm, or scratch.")
    ] = "bert-base-uncased",
    name: Annotated[str | None, typer.Option(help="Name of the study; by default that of its task or folder.")] = None,
    output: Annotated[Path | None, typer.Option(help="Path of the study file; by default studies/NAME.toml.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take every proposal without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the study file if it exists.")] = False,
) -> None:
    """Propose a study for your data files, and write its file.

    Finds out which files and columns are what, says why, and asks where the files do not tell. Reads all rows, so that
    what would stop a run is said now. Nothing is trained.

    Examples:

        onebert init tickets.csv
        onebert init data/ hub:nyu-mll/glue/sst2 --model minilm --yes
    """
    found = task_files(files)
    options = {"--text": text, "--label": label, "--id": id_column, "--kind": kind, "--metric": metric}

    from search.display.console import make_console
    from search.init.writing import InitRequest, write_study

    request = InitRequest(
        {option: tuple(values or ()) for option, values in options.items()}, pair, model, name, output, yes, force
    )
    write_study(make_console(), found, request, can_ask=sys.stdin.isatty())


if __name__ == "__main__":
    cli.make_app(main)()

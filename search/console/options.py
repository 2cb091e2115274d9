"""Command-line options that several programs have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from search.trials.folders import RUNS

__all__ = ["DataDir", "OtherDevice", "RunsDir", "StorageUrl", "where_words"]

StorageUrl = Annotated[
    str | None, typer.Option(help="Optuna storage URL; by default the SQLite file in the runs folder.")
]
RunsDir = Annotated[Path, typer.Option(help="Folder of all studies' results.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder with the tasks' files, if it has moved since the search.")]
OtherDevice = Annotated[
    Literal["auto", "cpu", "cuda", "mps"] | None,
    typer.Option(help="Where to compute; by default where it was trained."),
]


def where_words(runs_dir: Path, storage: str | None) -> str:
    """The options that say where studies are, as they are to be typed behind a command; empty for the defaults."""
    words = "" if runs_dir == RUNS else f" --runs-dir {runs_dir}"
    return words + (f" --storage '{storage}'" if storage else "")

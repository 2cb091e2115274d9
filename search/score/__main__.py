"""The command line of ``onebert score``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError
from search.console.cli import MovedDataDir, RunsDir, StorageUrl, entry_point, make_app
from search.score.predicted import find_predictions
from search.trials.folders import RUNS

__all__ = ["main"]


@entry_point
def main(
    labels: Annotated[
        Path, typer.Option(help="Folder with the test labels: each task's test file, or TASK-labels.csv.")
    ],
    study: Annotated[str | None, typer.Option(help="Score what onebert export wrote for this study.")] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Folder with TASK-test-output.csv files, written by onebert export or onebert ensemble."),
    ] = None,
    data: MovedDataDir = None,
    storage: StorageUrl = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Score test predictions where you have the labels.

    Prints whether the scores are as good as expected. A task's labels are its test file with the label column in it, or
    TASK-labels.csv (also TASK-test-labels.csv, TASK-test.csv, TASK.csv) with two columns, id and label.

    Examples:

        onebert score --study starter --labels my-labels
        onebert score --predictions runs/starter/ensemble --labels my-labels
    """
    if study is None and predictions is None:
        raise UserError("which predictions? give --study NAME or --predictions FOLDER")
    folder = find_predictions(predictions or runs_dir / str(study) / "export", study)
    if not labels.is_dir():
        raise UserError(
            f"--labels {labels}: no such folder; it should contain each task's test file, or TASK-labels.csv"
        )

    from search.score.terminal import score_and_show

    score_and_show(folder, labels, study, data, storage, runs_dir)


if __name__ == "__main__":
    make_app(main)()

"""The command line of ``onebert score``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import UserError
from search.console import cli
from search.storage.study_names import check_recorded
from search.trials.remote_study import study_folder

__all__ = ["find_predictions", "main"]


@cli.entry_point
def main(
    labels: Annotated[
        Path, typer.Option(help="Folder with the test labels: each task's test file, or TASK-labels.csv.")
    ],
    study: Annotated[str | None, typer.Option(help="Score what onebert export wrote for this study.")] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Folder with TASK-test-output.csv files, written by onebert export or onebert ensemble."),
    ] = None,
    data: cli.MovedDataDir = None,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
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
    if study is not None and predictions is None and not (runs_dir / study).is_dir():
        check_recorded(study, storage, runs_dir)
    folder = find_predictions(predictions or study_folder(runs_dir, str(study)) / "export", study)
    if not labels.is_dir():
        raise UserError(
            f"--labels {labels}: no such folder; it should contain each task's test file, or TASK-labels.csv"
        )

    from search.score.terminal import score_and_show

    score_and_show(folder, labels, study, data, storage, runs_dir)


def find_predictions(given: Path, study: str | None) -> Path:
    """Return the folder with the test predictions: ``given`` itself, or ``predictions/`` in it.

    Raises:
        UserError: neither has any; the error says how to write those of ``study``.
    """
    for folder in (given, given / "predictions"):
        if any(folder.glob("*-test-output.csv")):
            return folder
    export = "" if study is None else f"; python -m search.export --study {study} writes them"
    raise UserError(f"{given}: no test predictions (TASK-test-output.csv) there{export}")


if __name__ == "__main__":
    cli.make_app(main)()

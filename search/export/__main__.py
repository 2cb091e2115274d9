"""The command line of ``onebert export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.model_files.formats.names import parse_formats
from data.errors import UserError
from search.console import cli
from search.storage.study_names import check_recorded

__all__ = ["main"]


@cli.entry_point
def main(
    study: cli.StudyName,
    trial: Annotated[int | None, typer.Option(help="Number of the trial to export; by default the best one.")] = None,
    ensemble: Annotated[
        int | None,
        typer.Option(min=2, help="Export an ensemble of up to N of the trials whose models are kept on disk."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; by default runs/STUDY/export.")] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="Also write each task for transformers or sentence-transformers, in model/TASK; or the whole model as "
            "onnx or onnx-int8, in a folder of that name; repeatable.",
        ),
    ] = None,
    data: cli.MovedDataDir = None,
    device: cli.OtherDevice = None,
    storage: cli.StorageUrl = None,
    runs_dir: cli.RunsDir = cli.RUNS,
) -> None:
    """Write the best trial's predictions and its model.

    Predicts for every task's dev and test files, with one trial or an ensemble. predictions/TASK-dev-output.csv and
    TASK-test-output.csv contain one line per example, in the order of the input file. model/ contains the encoder in
    Hugging Face layout (transformers.AutoModel loads it), the heads, the tokenizer, the configuration and the
    provenance. If every task has its own encoder, or top layers of its own, the encoders are in model/encoders/TASK.
    model/calibration.json has a temperature for each task of classes that makes its probabilities match its accuracy.
    For an ensemble, model/ contains such a folder for every member, and each member's share in the average.
    With --format, model/TASK is a complete model of a library: encoder, head and tokenizer for the pipeline
    "text-classification" of transformers, or for SentenceTransformer or CrossEncoder of sentence-transformers. Where no
    such model gives the task's predictions, none is written, and a line says why. model/onnx and model/onnx-int8 have
    one graph for ONNX Runtime that predicts all tasks, and a README.md with a program that does.

    Examples:

        onebert export --study quickstart --ensemble 5 --out ensemble
        onebert export --study quickstart --format transformers --format onnx
    """
    if ensemble is not None and trial is not None:
        raise UserError("--ensemble selects several trials, --trial names one: give only one of them")
    if ensemble is not None and formats:
        raise UserError(
            "--format cannot write an ensemble, which is several models; leave out one of them, or average weights: "
            "onebert ensemble --soup"
        )
    libraries = parse_formats(formats or ())
    check_recorded(study, storage, runs_dir)
    cli.check_data_folder(data)

    from search.export.terminal import export_and_show, export_ensemble_and_show
    from search.recorded.disagreements import open_checked_folders
    from search.recorded.ranking import open_study
    from search.storage.open import open_recorded

    opened = open_study(study, storage, runs_dir)
    folders = open_checked_folders(opened, runs_dir)
    out = out or folders.root / "export"
    if ensemble is not None:
        export_ensemble_and_show(opened, folders, ensemble, out, data, device)
    else:
        export_and_show(opened, folders, trial, out, data, device, open_recorded(storage, runs_dir), libraries)


if __name__ == "__main__":
    cli.make_app(main)()

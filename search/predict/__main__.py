"""The command line of ``onebert predict``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from data.errors import UserError
from search.console import cli

if TYPE_CHECKING:
    from data.tasks import TaskSpec
    from search.predict.abstaining import Abstaining
    from search.predict.model import ModelSource
    from search.predict.predictions import TaskPredictions

__all__ = ["main"]


@cli.entry_point
def main(
    model_dir: Annotated[Path, typer.Option(help="The model/ folder that onebert export wrote.")],
    task: Annotated[
        list[str] | None,
        typer.Option(help="Name of one of the model's tasks; repeatable with --input. Optional if there is only one."),
    ] = None,
    input: Annotated[  # noqa: A002
        Path | None,
        typer.Option(help="File of rows to predict for, in place of standard input: .csv, .tsv, .json(l) or .parquet."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write for --input: .csv, .tsv, .jsonl or .parquet.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="NAME=COLUMN: the task's column NAME, or id, is COLUMN in the input; repeatable."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes that predict for --input on the CPU.")] = 1,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Also print the probability of every class; files always have them.")
    ] = False,
    threshold_for: Annotated[
        str | None,
        typer.Option(help="precision=P: predict a class only where so many of its predictions should be right."),
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Device to compute on.")] = "auto",
    precision: Annotated[
        Literal["float32", "bfloat16", "int8"] | None,
        typer.Option(help="Of matrix products; by default that of the run. int8: if exported with --format onnx-int8."),
    ] = None,
) -> None:
    """Predict for the rows of a file, or the lines of standard input.

    Standard input: separate the two sentences of a pair by a tab. An empty line is an empty text. Classes are printed
    by name, scores as numbers, one line per example.

    Files: columns are found by their names in the task, ids are copied, and the output has a row for each of the input,
    in its order: id, prediction, and probability_CLASS for each class; with several tasks, TASK_prediction and so on.
    Memory does not depend on the number of rows.

    Probabilities are calibrated on dev, if the export did so. With --threshold-for precision=0.95, a row whose class is
    not probable enough has an empty prediction, and a table says from which probability on each class is predicted, and
    how many rows are.

    Examples:

        onebert predict --model-dir runs/starter/export/model --task sst < sentences.txt
        onebert predict --model-dir runs/mood/export/model --task mood --input tickets.jsonl.gz --columns text=body
          --columns id=ticket --output moods.parquet --threshold-for precision=0.95
    """
    if not model_dir.is_dir():
        raise UserError(f"--model-dir {model_dir}: no such folder; give the model/ folder that onebert export wrote")
    if input is None and (output is not None or columns or workers > 1):
        raise UserError("--output, --columns and --workers are for files: give --input FILE too")
    if input is not None and output is None:
        raise UserError("--input needs --output FILE, where the predictions are written")
    if workers > 1 and device not in ("auto", "cpu"):
        raise UserError(f"--workers {workers}: several processes predict on the CPU only, not on {device}")

    from search.predict.abstaining import Abstaining
    from search.predict.model import ModelSource, find_tasks

    source = ModelSource(model_dir, device, precision)
    specs = find_tasks(model_dir, task or [])
    abstaining = Abstaining.asked(model_dir, specs, threshold_for)
    if input is None or output is None:
        _predict_lines(source, specs, probabilities, abstaining)
        return

    from search.console.signals import signals_as_ctrl_c
    from search.display.console import make_console
    from search.predict.file_job import FileJob

    job = FileJob(source, specs, input, output, columns or [], workers, abstaining)
    with signals_as_ctrl_c():
        rows = job.run(make_console(stderr=True))
    abstaining.show(make_console())
    make_console().print(f"{rows:,} row{'s' if rows != 1 else ''}: {output}", soft_wrap=True)


def _predict_lines(
    source: ModelSource, specs: Mapping[str, TaskSpec], probabilities: bool, abstaining: Abstaining
) -> None:
    """Predict for the lines of standard input, and print a line for each."""
    from search.display.console import make_console
    from search.predict.sentence_lines import parse_sentences, read_lines, refuse_table

    if len(specs) > 1:
        raise UserError("standard input is predicted for one --task; for several, give --input FILE and --output FILE")
    ((name, spec),) = specs.items()
    lines = read_lines(sys.stdin.buffer.read())
    refuse_table(lines, spec)
    texts = parse_sentences(lines, spec)
    if not texts:
        raise UserError("standard input is empty; give one sentence per line")
    found = abstaining.apply({name: source.load().predict(texts, name)})
    _print(found[name], probabilities)
    abstaining.show(make_console(stderr=True))


def _print(predictions: TaskPredictions, probabilities: bool) -> None:
    writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    if probabilities and predictions.probabilities is not None:
        writer.writerow(["prediction", *predictions.classes])
        for value, row in zip(predictions.written, predictions.probabilities, strict=True):
            writer.writerow([value, *(f"{p:.4f}" for p in row)])
    else:
        for value in predictions.written:
            writer.writerow([value] if value else [])  # an empty line: the only cell of a row would be quoted


if __name__ == "__main__":
    cli.make_app(main)()

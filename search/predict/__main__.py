"""The command line of ``onebert predict``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from data.errors import UserError
from search.console import cli

if TYPE_CHECKING:
    from search.predict.predictions import TaskPredictions

__all__ = ["main"]


@cli.entry_point
def main(
    model_dir: Annotated[Path, typer.Option(help="The model/ folder that onebert export wrote.")],
    task: Annotated[str, typer.Option(help="Name of one of the model's tasks.")],
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Also print the probability of every class.")
    ] = False,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Device to compute on.")] = "auto",
) -> None:
    """Predict for sentences read from standard input, one per line.

    Separate the two sentences of a pair by a tab. An empty line is an empty text. Classes are printed by name, scores
    as numbers, one line per example.

    Examples:

        onebert predict --model-dir runs/starter/export/model --task sst < sentences.txt
        onebert predict --model-dir runs/starter/export/model --task sst --probabilities < sentences.txt
    """
    if not model_dir.is_dir():
        raise UserError(f"--model-dir {model_dir}: no such folder; give the model/ folder that onebert export wrote")

    from search.predict.model import Model, find_tasks
    from search.predict.sentence_lines import parse_sentences, read_lines, refuse_table

    specs = find_tasks(model_dir, [task])
    lines = read_lines(sys.stdin.buffer.read())
    refuse_table(lines, specs[task])
    texts = parse_sentences(lines, specs[task])
    if not texts:
        raise UserError("standard input is empty; give one sentence per line")
    _print(Model(model_dir, device).predict(texts, task), probabilities)


def _print(predictions: TaskPredictions, probabilities: bool) -> None:
    writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    if probabilities and predictions.probabilities is not None:
        writer.writerow(["prediction", *predictions.classes])
        for value, row in zip(predictions.written, predictions.probabilities, strict=True):
            writer.writerow([value, *(f"{p:.4f}" for p in row)])
    else:
        writer.writerows([value] for value in predictions.written)


if __name__ == "__main__":
    cli.make_app(main)()

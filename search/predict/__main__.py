"""The command line of ``onebert predict``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from data.errors import UserError
from search.console.cli import entry_point, make_app

__all__ = ["main"]


@entry_point
def main(
    model_dir: Annotated[Path, typer.Option(help="The model/ folder that onebert export wrote.")],
    task: Annotated[str, typer.Option(help="Name of one of the model's tasks.")],
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Also print the probability of every class.")
    ] = False,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Device to compute on.")] = "auto",
) -> None:
    """Predict for sentences read from standard input, one per line.

    Separate the two sentences of a pair by a tab. Classes are printed by name, scores as numbers, one line per example.

    Examples:

        onebert predict --model-dir runs/starter/export/model --task sst < sentences.txt
        onebert predict --model-dir runs/starter/export/model --task sst --probabilities < sentences.txt
    """
    if not model_dir.is_dir():
        raise UserError(f"--model-dir {model_dir}: no such folder; give the model/ folder that onebert export wrote")

    from core.model_files.ensemble_folder import load_shares
    from core.model_files.model_folder import load_run_config
    from search.predict.outputs import predict_sentences
    from search.predict.sentences import parse_sentences, utf8_lines
    from search.trials.prediction_files import prediction_values

    shares = load_shares(model_dir)
    if task not in shares:
        raise UserError(f"--task {task}: the model has the tasks {', '.join(shares)}")
    spec = load_run_config(next(iter(shares[task]))).tasks[task].spec
    sentences = parse_sentences(utf8_lines(sys.stdin.buffer), spec)
    if not sentences:
        raise UserError("standard input is empty; give one sentence per line")
    outputs = predict_sentences(shares[task], spec, sentences, device)
    named = spec.model_copy(update={"written_as": "name"})
    writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    if probabilities and not spec.kind.is_score:
        writer.writerow(["prediction", *spec.classes])
    for value, output in zip(prediction_values(named, outputs), outputs, strict=True):
        more = [f"{p:.4f}" for p in output] if probabilities and not spec.kind.is_score else []
        writer.writerow([value, *more])


if __name__ == "__main__":
    make_app(main)()

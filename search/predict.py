"""Predict for new text with an exported model: ``onebert predict``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from data.errors import UserError
from data.tasks import TaskSpec
from search.console import cli

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

    Separate the two sentences of a pair by a tab. Classes are printed by name, scores as numbers, one line per example.

    Examples:

        onebert predict --model-dir runs/starter/export/model --task sst < sentences.txt
        onebert predict --model-dir runs/starter/export/model --task sst --probabilities < sentences.txt
    """
    if not model_dir.is_dir():
        raise UserError(f"--model-dir {model_dir}: no such folder; give the model/ folder that onebert export wrote")

    from core.model_files.ensemble_folder import load_shares
    from core.model_files.model_folder import load_run_config
    from search.trials.prediction_files import prediction_values

    shares = load_shares(model_dir)
    if task not in shares:
        raise UserError(f"--task {task}: the model has the tasks {', '.join(shares)}")
    spec = load_run_config(next(iter(shares[task]))).tasks[task].spec
    sentences = _parse_sentences(_utf8_lines(sys.stdin.buffer), spec)
    if not sentences:
        raise UserError("standard input is empty; give one sentence per line")
    outputs = _predict(shares[task], spec, sentences, device)
    named = spec.model_copy(update={"written_as": "name"})
    writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
    if probabilities and not spec.kind.is_score:
        writer.writerow(["prediction", *spec.classes])
    for value, output in zip(prediction_values(named, outputs), outputs, strict=True):
        more = [f"{p:.4f}" for p in output] if probabilities and not spec.kind.is_score else []
        writer.writerow([value, *more])


def _utf8_lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of standard input, without a byte order mark.

    Raises:
        UserError: a line is not UTF-8; it names the line.
    """
    for number, line in enumerate(stream, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"standard input, line {number}: not UTF-8 ({error.reason})") from None


def _parse_sentences(lines: Iterable[str], spec: TaskSpec) -> list[tuple[str, ...]]:
    """Return one example per line, as its sentences; those of a pair are separated by a tab.

    Raises:
        UserError: if a line is empty or has too few or too many sentences; it names the line.
    """
    expected = len(spec.columns.sentences)
    examples = []
    for number, line in enumerate(lines, start=1):
        sentences = tuple(part.strip() for part in line.rstrip("\r\n").split("\t"))
        if len(sentences) != expected or not all(sentences):
            form = "one sentence" if expected == 1 else "two sentences separated by a tab"
            raise UserError(f"standard input, line {number}: task '{spec.name}' reads {form} a line, got {line!r}")
        examples.append(sentences)
    return examples


def _predict(shares: Mapping[Path, float], spec: TaskSpec, sentences: list[tuple[str, ...]], device: str) -> np.ndarray:
    """Return class probabilities (N, K) or scores (N,), averaged over the model folders by their shares.

    One model is in memory at a time.
    """
    from core.ensembles import average
    from core.inputs.resources import pick_device
    from core.model_files.model_folder import load_model_folder
    from core.scoring import predict
    from data.examples import Examples

    where, outputs = pick_device(device), []
    for folder in shares:
        trained = load_model_folder(folder)
        examples = Examples.from_sentences(spec, sentences, trained.tokenizer)
        outputs.append(predict(trained.model.to(where), trained.config, examples, trained.layout, where))
    return average(outputs, list(shares.values())) if len(outputs) > 1 else outputs[0]


if __name__ == "__main__":
    cli.make_app(main)()

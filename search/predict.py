"""Predict for new text with an exported model: ``onebert predict``."""

from __future__ import annotations

import csv
import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from data.errors import UserError
from data.tables.text_files import NOT_UTF8, decode_text, not_utf8
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
    lines = _read_lines(sys.stdin.buffer.read())
    _refuse_table(lines, spec)
    sentences = _parse_sentences(lines, spec)
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


def _read_lines(content: bytes) -> list[str]:
    """Return the lines of standard input, which may be compressed or in UTF-16 as data files may.

    Raises:
        UserError: a line is not UTF-8; it names the line.
    """
    text = decode_text(content, "standard input")
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, start=1):
        if (found := NOT_UTF8.search(line)) is not None:
            raise UserError(f"standard input, line {number}: {not_utf8(found[0])}")
    return lines


def _refuse_table(lines: Sequence[str], spec: TaskSpec) -> None:
    """Refuse lines that begin with the header of a table: its cells would be predicted for as sentences.

    Raises:
        UserError: it contains the command that takes the sentences out of the table.
    """
    names = spec.columns.sentences
    for delimiter in ("\t", ",", ";"):
        cells = [cell.strip().strip('"') for cell in lines[0].split(delimiter)] if lines else []
        if {*names} <= {*cells} and len(lines) > 1:
            raise UserError(
                f"standard input, line 1: {', '.join(map(repr, cells))} are columns of task '{spec.name}', but only "
                f"sentences are read, without a header; to predict for a table, run python -c "
                f"{shlex.quote(_extraction(spec, delimiter))} < TABLE | onebert predict ..."
            )


def _extraction(spec: TaskSpec, delimiter: str) -> str:
    """Return a Python program that prints the sentences of a table as they are read here."""
    names = json.dumps(list(spec.columns.sentences), ensure_ascii=False)
    quoting = ", quoting=3" if spec.quoting == "none" else ""
    return (
        f"import pandas, sys; table = pandas.read_csv(sys.stdin, sep={json.dumps(delimiter)}, dtype=str, "
        f'keep_default_na=False{quoting}); print(*table[{names}].map(lambda text: " ".join(text.split())).agg('
        '"\\t".join, axis=1), sep="\\n")'
    )


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

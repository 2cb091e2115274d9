"""Read and write prediction files: plain CSV, or the format of the course, byte for byte as its graders read it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.run.atomic_files import write_atomically
from core.run.checksums import CHECKSUMS, Checksums
from core.statistics import at_temperature
from data.errors import UserError
from data.metrics.classes import predicted_classes
from data.tasks import SplitName, TaskSpec
from search.trials.plain_predictions import is_plain_csv, plain_csv, plain_csv_lines, writes_plain_csv

__all__ = [
    "ENSEMBLE",
    "PROVENANCE",
    "check_complete",
    "check_replaceable_predictions",
    "check_written",
    "is_recorded",
    "predicted_splits",
    "prediction_path",
    "prediction_values",
    "probabilities_path",
    "read_predictions",
    "read_probabilities",
    "remove_predictions",
    "write_predictions",
    "write_provenance",
    "write_split",
]

_SPECIAL = re.compile(r'[",\r\n]')

PROVENANCE = "provenance.json"  # next to predictions: the trial or ensemble that search.export wrote them of
ENSEMBLE = "ensemble.json"  # above predictions: the ensemble that search.ensemble wrote them of


def predicted_splits(spec: TaskSpec) -> tuple[SplitName, ...]:
    """Return the splits that predictions are written for: dev, and test if there is a test file."""
    return ("dev",) if spec.files.test is None else ("dev", "test")


def check_complete(spec: TaskSpec, split: SplitName, skipped: Sequence[str]) -> None:
    """Refuse to write predictions for a test file with rows that cannot be read: every id needs a prediction.

    Args:
        spec: the task.
        split: that is predicted; trials were scored without such rows of dev.
        skipped: 'file:line: reason' for each row that was left out when the split was read.

    Raises:
        UserError: it names the first row.
    """
    if split == "test" and skipped:
        number = "a row" if len(skipped) == 1 else f"{len(skipped):,} rows"
        raise UserError(
            f"task '{spec.name}': {number} of the test file cannot be read, and would have no prediction: {skipped[0]}"
            f"{'; and others' if len(skipped) > 1 else ''}; correct the file, and export again"
        )


def write_split(
    out: Path,
    spec: TaskSpec,
    split: SplitName,
    ids: Sequence[str],
    predictions: np.ndarray,
    temperature: float = 1.0,
) -> None:
    """Write ``predictions/TASK-SPLIT-output.csv`` below ``out``, from class probabilities (N, K) or scores (N,).

    It is plain CSV, or the course's format; see :func:`search.trials.plain_predictions.writes_plain_csv`. Where the
    task's metric needs the probabilities, they are written to ``TASK-SPLIT-probabilities.csv`` too.

    The probabilities in plain CSV are calibrated with the temperature, as those that ``onebert predict`` gives. Those
    in the other file are not: the task's metric was computed from them, and may depend on the temperature.
    """
    folder = out / "predictions"
    path, values = prediction_path(folder, spec.name, split), prediction_values(spec, predictions)
    if writes_plain_csv(spec):
        calibrated = predictions if spec.kind.is_score else at_temperature(predictions, temperature)
        _write_checked(path, plain_csv(spec, ids, values, calibrated))
    else:
        write_predictions(path, spec, ids, values)
    if spec.metric.reads_probabilities:
        _write_probabilities(probabilities_path(folder, spec.name, split), spec, ids, predictions)


def check_replaceable_predictions(out: Path, tasks: Collection[str]) -> None:
    """Refuse a folder with prediction files that were not written by export or ensemble: they would be lost.

    Args:
        out: the folder above ``predictions/``; need not exist.
        tasks: that will be predicted.

    Raises:
        UserError: it names a file.
    """
    folder = out / "predictions"
    if is_recorded(out) or (folder / CHECKSUMS).is_file():  # without a record, they were not finished
        return
    splits: tuple[SplitName, ...] = ("dev", "test")
    for path in (made(folder, task, split) for made in _FILES for task in tasks for split in splits):
        if path.exists():
            raise UserError(
                f"'{folder}' has a file '{path.name}' that was not exported; choose another folder with --out, or move "
                "it away"
            )


def remove_predictions(out: Path, tasks: Collection[str]) -> None:
    """Remove earlier predictions and their record, so that they are not mixed with new ones.

    A folder of predictions without a record was therefore not finished.

    Args:
        out: the folder above ``predictions/``; need not exist.
        tasks: that will be predicted. Files of other tasks are removed too if a record says that they were written
            here.

    Raises:
        UserError: as :func:`check_replaceable_predictions`.
    """
    check_replaceable_predictions(out, tasks)
    folder = out / "predictions"
    splits: tuple[SplitName, ...] = ("dev", "test")
    for split in splits:
        for kind in ("output", "probabilities") if is_recorded(out) else ():
            for path in folder.glob(f"*-{split}-{kind}.csv"):
                path.unlink()
        for made in _FILES:
            for task in tasks:
                made(folder, task, split).unlink(missing_ok=True)
    (folder / CHECKSUMS).unlink(missing_ok=True)
    for record in _records(out):  # last: until here it is correct
        record.unlink(missing_ok=True)


def is_recorded(out: Path) -> bool:
    """Return whether search.export or search.ensemble wrote what is below the folder."""
    return any(record.is_file() for record in _records(out))


def _records(out: Path) -> tuple[Path, ...]:
    return out / "predictions" / PROVENANCE, out / ENSEMBLE


def write_provenance(path: Path, provenance: Mapping[str, Any]) -> None:
    """Write the record of predictions as JSON; last, when everything that it describes is there."""
    write_atomically(path, (json.dumps(provenance, indent=2) + "\n").encode())


def prediction_path(folder: Path, task: str, split: SplitName) -> Path:
    """Return the file of a task's split in a folder of predictions."""
    return folder / f"{task}-{split}-output.csv"


def probabilities_path(folder: Path, task: str, split: SplitName) -> Path:
    """Return the file of a task's class probabilities, written only if the task's metric needs them."""
    return folder / f"{task}-{split}-probabilities.csv"


_FILES = (prediction_path, probabilities_path)


def prediction_values(spec: TaskSpec, predictions: np.ndarray) -> list[str]:
    """Return predictions as they are written, one string each.

    Args:
        spec: the task; its ``written_as`` says how a class is written.
        predictions: class probabilities (N, K) or scores (N,).
    """
    if spec.kind.is_score:
        return [str(np.float32(score)) for score in predictions]
    classes = predicted_classes(predictions)
    if spec.written_as == "name":
        return [spec.classes[index] for index in classes]
    return [str(float(index)) if spec.written_as == "float" else str(int(index)) for index in classes]


def write_predictions(path: Path, spec: TaskSpec, ids: Sequence[str], values: Sequence[str]) -> None:
    r"""Write the course's format: a line ``id , value`` per example, below the header ``id \t Predicted_Sentiment``.

    Like the course's own writer, every line ends in a blank before its line feed. An id or a class that would be
    misread in such a line is quoted as in CSV; those of the course never are.
    """
    lines = [f"id \t {' '.join(spec.prediction_column.splitlines())} \n"]
    lines += [f"{_cell(example)} , {_cell(value)} \n" for example, value in zip(ids, values, strict=True)]
    _write_checked(path, "".join(lines))


def _write_checked(path: Path, content: str) -> None:
    Checksums(path.parent).write({path: content.encode()})


def check_written(path: Path) -> None:
    """Check that a file of predictions is as it was written; files of other programs are not checked.

    Raises:
        UserError: it was changed since.
    """
    try:
        Checksums(path.parent).check(path, f"export again, or delete {CHECKSUMS} next to it to use it as it is")
    except OSError as error:
        raise UserError(f"{path}: predictions cannot be read: {error.strerror or error}") from error


def _cell(text: str) -> str:
    """Return a text as it is, or quoted if it has a comma, a quote, a line break, or blanks at an end."""
    if text == text.strip() and not _SPECIAL.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _write_probabilities(path: Path, spec: TaskSpec, ids: Sequence[str], probabilities: np.ndarray) -> None:
    """Write CSV: a column for the id and one for each class."""
    rows = [
        ("id", *spec.classes),
        *((one, *map(str, row)) for one, row in zip(ids, probabilities.tolist(), strict=True)),
    ]
    _write_checked(path, "".join(",".join(map(_cell, row)) + "\n" for row in rows))


def read_probabilities(path: Path, spec: TaskSpec) -> tuple[list[str], np.ndarray]:
    """Read the ids and class probabilities, (N, K), that :func:`write_split` wrote.

    Raises:
        UserError: if the file is missing or has other columns or values; it names the line.
    """
    try:
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: class probabilities cannot be read: {error}") from error
    header = ["id", *spec.classes]
    if not rows or rows[0] != header:
        raise UserError(f"{path}:1: the columns must be {', '.join(header)}")
    found: dict[str, list[float]] = {}
    for number, (example, *cells) in enumerate(rows[1:], start=2):
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            values = []
        if len(values) != len(spec.classes) or not np.isfinite(values).all() or example in found:
            raise UserError(f"{path}:{number}: expected a new id and {len(spec.classes)} probabilities")
        found[example] = values
    if not found:
        raise UserError(f"{path}: no probabilities below the header")
    return list(found), np.array(list(found.values()))


def read_predictions(path: Path, spec: TaskSpec) -> tuple[list[str], np.ndarray]:
    """Read predictions of either format: ids, and what a metric takes, one-hot classes (N, K) or scores (N,).

    Raises:
        UserError: if there is no such file, or a line is not a prediction of the task; it names the line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: predictions cannot be read: {error}") from error
    try:
        found = _parsed(path, spec, plain_csv_lines(text) if is_plain_csv(text) else _quoted_lines(text))
    except UserError as error:
        try:  # as earlier versions wrote it, without quotes
            found = _parsed(path, spec, _plain_lines(text))
        except UserError:
            raise error from None
    values = np.array(list(found.values()))
    return list(found), values if spec.kind.is_score else np.eye(len(spec.classes))[values.astype(np.int64)]


def _quoted_lines(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield number, text, id and prediction of every line below the header; the latter are empty if it has no two."""
    lines, reader = text.split("\n"), csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    next(reader, None)
    for cells in reader:
        example, value = cells if len(cells) == 2 else ("", "")
        if any(map(str.strip, cells)):
            yield reader.line_num, lines[min(reader.line_num, len(lines)) - 1], example.strip(), value.removesuffix(" ")


def _plain_lines(text: str) -> Iterator[tuple[int, str, str, str]]:
    for number, line in enumerate(text.splitlines()[1:], start=2):
        if line.strip():
            example, _, value = line.rpartition(",")
            yield number, line, example.strip(), value.strip()


def _parsed(path: Path, spec: TaskSpec, lines: Iterable[tuple[int, str, str, str]]) -> dict[str, float]:
    """Return the class index or score of each id."""
    found: dict[str, float] = {}
    for number, line, example, text in lines:
        try:
            value = _value(spec, text)
        except ValueError:
            value = None
        if value is None or not example:
            raise UserError(
                f"{path}:{number}: not a line 'id , prediction' of task '{spec.name}': {line.strip()[:60]!r}"
            )
        if example in found:
            raise UserError(f"{path}:{number}: the id '{example}' occurs twice")
        found[example] = value
    if not found:
        raise UserError(f"{path}: no predictions below the header")
    return found


def _value(spec: TaskSpec, text: str) -> float | None:
    """Return a score or a class index; None if it is not one of the classes."""
    if spec.kind.is_score:
        score = float(text)
        return score if np.isfinite(score) else None
    if spec.written_as == "name":
        return spec.classes.index(text if text in spec.classes else text.strip())
    index = float(text)
    return index if index in range(len(spec.classes)) else None

"""Prediction files in the format of the course: what its graders read, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.metrics import predicted_classes
from data.errors import UserError
from data.tasks import SplitName, TaskSpec

__all__ = [
    "predicted_splits",
    "prediction_path",
    "prediction_values",
    "read_predictions",
    "write_predictions",
    "write_split",
]


def predicted_splits(spec: TaskSpec) -> tuple[SplitName, ...]:
    """Those that predictions are written for: dev, and test where there is a test file."""
    return ("dev",) if spec.files.test is None else ("dev", "test")


def write_split(out: Path, spec: TaskSpec, split: SplitName, ids: Sequence[str], predictions: np.ndarray) -> None:
    """Write ``predictions/TASK-SPLIT-output.csv`` below ``out``: class probabilities (N, K) or scores (N,)."""
    path = prediction_path(out / "predictions", spec.name, split)
    write_predictions(path, spec, ids, prediction_values(spec, predictions))


def prediction_path(folder: Path, task: str, split: SplitName) -> Path:
    """The file of a task's split in a folder of predictions."""
    return folder / f"{task}-{split}-output.csv"


def prediction_values(spec: TaskSpec, predictions: np.ndarray) -> list[str]:
    """Predictions as they are written, one string each.

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
    r"""Write a header line ``id \t Predicted_Sentiment`` and a line ``id , value`` per example, in the given order.

    Like the course's own writer, every line ends in a blank before its line feed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"id \t {spec.prediction_column} \n"]
    lines += [f"{example} , {value} \n" for example, value in zip(ids, values, strict=True)]
    path.write_text("".join(lines), encoding="utf-8", newline="")


def read_predictions(path: Path, spec: TaskSpec) -> tuple[list[str], np.ndarray]:
    """The inverse of :func:`write_predictions`: ids, and what a metric takes, one-hot classes (N, K) or scores (N,).

    Raises:
        UserError: if there is no such file, or a line of it is no prediction of the task; it names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: predictions cannot be read: {error}") from error
    found: dict[str, float] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        example, _, text = (part.strip() for part in line.rpartition(","))
        try:
            value = _value(spec, text)
        except ValueError:
            value = None
        if value is None or not example:
            raise UserError(
                f"{path}:{number}: not a line 'id , prediction' of task '{spec.name}': {line.strip()[:60]!r}"
            )
        if example in found:
            raise UserError(f"{path}:{number}: the id '{example}' stands there already")
        found[example] = value
    if not found:
        raise UserError(f"{path}: no predictions below the header")
    values = np.array(list(found.values()))
    return list(found), values if spec.kind.is_score else np.eye(len(spec.classes))[values.astype(np.int64)]


def _value(spec: TaskSpec, text: str) -> float | None:
    """A score, or a class index; None where it is none of the classes."""
    if spec.kind.is_score:
        score = float(text)
        return score if np.isfinite(score) else None
    if spec.written_as == "name":
        return spec.classes.index(text)
    index = float(text)
    return index if index in range(len(spec.classes)) else None

"""Prediction files in the format of the course: what its graders read, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.metrics import predicted_classes
from data.tasks import SplitName, TaskSpec

__all__ = ["predicted_splits", "prediction_values", "write_predictions", "write_split"]


def predicted_splits(spec: TaskSpec) -> tuple[SplitName, ...]:
    """Those that predictions are written for: dev, and test where there is a test file."""
    return ("dev",) if spec.files.test is None else ("dev", "test")


def write_split(out: Path, spec: TaskSpec, split: SplitName, ids: Sequence[str], predictions: np.ndarray) -> None:
    """Write ``predictions/TASK-SPLIT-output.csv`` below ``out``: class probabilities (N, K) or scores (N,)."""
    path = out / "predictions" / f"{spec.name}-{split}-output.csv"
    write_predictions(path, spec, ids, prediction_values(spec, predictions))


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

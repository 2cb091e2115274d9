"""Predictions as plain CSV, which every program reads: ``id,prediction,probability_CLASS...``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from data.tasks import TaskSpec

__all__ = ["csv_rows", "is_plain_csv", "plain_csv", "plain_csv_lines", "plain_header", "writes_plain_csv"]

_COURSE_COLUMN = "prediction_column"  # of a task; only the course's format has a column of this name
_ID, _PREDICTION = "id", "prediction"
_LINE_END = "\r\n"


def writes_plain_csv(spec: TaskSpec) -> bool:
    """Return whether a task's predictions are plain CSV: those of all tasks that name no column for them.

    The course's tasks do, and their graders read the course's format.
    """
    return bool(spec.prediction_column == TaskSpec.model_fields[_COURSE_COLUMN].default)


def plain_header(spec: TaskSpec, prefix: str = "") -> list[str]:
    """Return the names of the columns below the id: the prediction, then the probability of each class."""
    return [f"{prefix}{_PREDICTION}", *(f"{prefix}probability_{name}" for name in spec.classes)]


def plain_csv(spec: TaskSpec, ids: Sequence[str], values: Sequence[str], predictions: np.ndarray) -> str:
    """Return the content of a file.

    Args:
        spec: the task.
        ids: one per example.
        values: the predictions as they are written; see :func:`search.trials.prediction_files.prediction_values`.
        predictions: class probabilities (N, K), written in the digits of a float32, or scores (N,).
    """
    probabilities = [] if spec.kind.is_score else predictions.astype(np.float32).astype(str).T.tolist()
    return csv_rows([[_ID, *plain_header(spec)], *zip(ids, values, *probabilities, strict=True)])


def csv_rows(rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """Return rows as delimited text that ends in a line feed; cells with any line break are quoted."""
    lines = _Lines()
    # The module quotes a lone carriage return only if it is part of its own line end.
    csv.writer(lines, delimiter=delimiter, lineterminator=_LINE_END).writerows(rows)
    return "".join(f"{line}\n" for line in lines)


class _Lines(list[str]):
    """What a csv.writer writes, row by row, without line ends."""

    def write(self, row: str) -> None:
        self.append(row.removesuffix(_LINE_END))


def is_plain_csv(text: str) -> bool:
    """Return whether a file of predictions begins with the header of :func:`plain_csv`."""
    return text.startswith((f"{_ID},{_PREDICTION}\n", f"{_ID},{_PREDICTION}\r\n", f"{_ID},{_PREDICTION},"))


def plain_csv_lines(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield number, text, id and prediction of every row; the latter are empty if it has not the header's cells.

    The number is that of the row's last line, and the text is that line.
    """
    lines, reader = text.split("\n"), csv.reader(io.StringIO(text, newline=""))
    columns = len(next(reader, []))
    for cells in reader:
        if cells:
            example, value = cells[:2] if len(cells) == columns else ("", "")
            yield reader.line_num, lines[min(reader.line_num, len(lines)) - 1], example.strip(), value

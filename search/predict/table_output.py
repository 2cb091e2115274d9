"""Write predictions to a file as a stream: CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from data.tables.parquet import load_pyarrow
from data.tasks import TaskSpec
from search.predict.predictions import TaskPredictions
from search.predict.table_input import format_of
from search.trials.plain_predictions import csv_rows, plain_header

__all__ = ["OutputTable", "new_table", "output_columns"]

Ids = Sequence[str | int]
Predictions = Mapping[str, TaskPredictions]

_PARQUET_ROWS = 2**16  # per row group


class OutputTable(Protocol):
    """A file that rows are appended to."""

    def append(self, ids: Ids, predictions: Predictions) -> None:
        """Append the predictions of some rows, of each task as many as there are ids."""


def output_columns(specs: Mapping[str, TaskSpec]) -> dict[str, list[str]]:
    """Return the names of the columns of each task: its prediction, then the probability of each class.

    Where there are several tasks, all names begin with their task's.
    """
    prefixes = {task: f"{task}_" if len(specs) > 1 else "" for task in specs}
    return {task: plain_header(spec, prefixes[task]) for task, spec in specs.items()}


@contextmanager
def new_table(path: Path, file: BinaryIO, specs: Mapping[str, TaskSpec], counts: bool) -> Iterator[OutputTable]:
    """Write a table in the format that the path ends in; it is complete when the ``with`` block ends.

    Args:
        path: the path that the file will have.
        file: is written to.
        specs: the tasks that are predicted.
        counts: whether ids are whole numbers.
    """
    name, compressed = format_of(path, "--output")
    columns = output_columns(specs)
    if name == "parquet":
        arrow = load_pyarrow(f"{path}: Parquet")
        schema = _schema(arrow, specs, columns, counts)
        with arrow.parquet.ParquetWriter(file, schema) as writer:
            table = _ParquetTable(arrow, writer, schema, columns)
            yield table
            table.flush()
    elif compressed:
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
            yield _text_table(name, packed, columns)
    else:
        yield _text_table(name, file, columns)


def _text_table(name: str, file: Any, columns: Mapping[str, list[str]]) -> OutputTable:
    return (
        _JsonTable(file, columns) if name == "jsonl" else _DelimitedTable(file, columns, "\t" if name == "tsv" else ",")
    )


class _DelimitedTable:
    def __init__(self, file: Any, columns: Mapping[str, list[str]], delimiter: str) -> None:
        self._file, self._delimiter = file, delimiter
        self._write([["id", *(name for of_task in columns.values() for name in of_task)]])

    def append(self, ids: Ids, predictions: Predictions) -> None:
        columns: list[Sequence[object]] = [ids]
        for found in predictions.values():
            columns.append(found.written)
            if found.probabilities is not None:
                columns += found.probabilities.astype(np.float32).astype(str).T.tolist()
        self._write(list(zip(*columns, strict=True)))

    def _write(self, rows: Sequence[Sequence[object]]) -> None:
        self._file.write(csv_rows(rows, self._delimiter).encode())


class _JsonTable:
    def __init__(self, file: Any, columns: Mapping[str, list[str]]) -> None:
        self._file, self._columns = file, columns

    def append(self, ids: Ids, predictions: Predictions) -> None:
        names = ["id", *(name for task in predictions for name in self._columns[task])]
        columns: list[Sequence[object]] = [ids]
        for found in predictions.values():
            columns.append(found.values.tolist() if found.probabilities is not None else _short(found.values))
            if found.probabilities is not None:
                columns += [_short(column) for column in found.probabilities.T]
        for row in zip(*columns, strict=True):
            line = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
            self._file.write(line.encode() + b"\n")


def _short(values: np.ndarray) -> list[float]:
    """Return numbers that are written in the digits of a float32."""
    return [float(text) for text in values.astype(np.float32).astype(str)]


class _ParquetTable:
    def __init__(self, arrow: Any, writer: Any, schema: Any, columns: Mapping[str, list[str]]) -> None:
        self._arrow, self._writer, self._schema, self._columns = arrow, writer, schema, columns
        self._parts: list[Any] = []

    def append(self, ids: Ids, predictions: Predictions) -> None:
        counts = self._arrow.types.is_integer(self._schema.field("id").type)
        columns: list[Any] = [list(ids) if counts else list(map(str, ids))]
        for found in predictions.values():
            columns.append(found.values if found.probabilities is None else found.values.tolist())
            if found.probabilities is not None:
                columns += list(found.probabilities.T)
        arrays = [
            self._arrow.array(column, type=field.type, safe=False)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._parts.append(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        if sum(part.num_rows for part in self._parts) >= _PARQUET_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what was appended."""
        if self._parts:
            self._writer.write_table(self._arrow.concat_tables(self._parts))
        self._parts = []


def _schema(arrow: Any, specs: Mapping[str, TaskSpec], columns: Mapping[str, list[str]], counts: bool) -> Any:
    fields = [("id", arrow.int64() if counts else arrow.string())]
    for task, (prediction, *probabilities) in columns.items():
        fields.append((prediction, arrow.float32() if specs[task].kind.is_score else arrow.string()))
        fields += [(name, arrow.float32()) for name in probabilities]
    return arrow.schema(fields)

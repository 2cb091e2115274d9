"""Read one split of a task from its file; malformed rows are named, and skipped if they are few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.delimited import Record, read_delimited
from data.errors import UnavailableError, UserError
from data.gold import Labels, label_array, label_parser
from data.tasks import SplitName, TaskSpec

__all__ = ["MalformedRowsError", "RawSplit", "find_file", "parse_split", "read_bytes", "read_split", "split_path"]

_SKIPPED_PER_ROW = 0.001  # at most 0.1 % of a file's rows are skipped; a file with under 1,000 rows must be clean
_QUOTED_FAULTS = 3


class MalformedRowsError(UserError):
    """Too many rows of a file are malformed; the message quotes a few of them.

    Attributes:
        rows: 'file:line: reason' for every one.
    """

    def __init__(self, message: str, rows: tuple[str, ...]) -> None:
        super().__init__(message)
        self.rows = rows


@dataclass(frozen=True)
class RawSplit:
    """The rows of one split, in the order of the file.

    Attributes:
        ids: one per example, all different; the row number from 0 if the task has no id column.
        sentences: one or two sentences per example, as in the file.
        labels: class indices (int64) or scores (float32), (n,); None for a test split with missing labels.
        skipped: 'file:line: reason' for each malformed row that was left out.
        path: the file.
    """

    ids: list[str]
    sentences: list[tuple[str, ...]]
    labels: Labels | None
    skipped: list[str]
    path: Path

    def __len__(self) -> int:
        return len(self.ids)

    def subset(self, positions: npt.NDArray[np.int64]) -> RawSplit:
        """Return the examples at these positions, in this order."""
        return RawSplit(
            [self.ids[position] for position in positions],
            [self.sentences[position] for position in positions],
            None if self.labels is None else self.labels[positions],
            self.skipped,
            self.path,
        )


def read_split(spec: TaskSpec, directory: Path, split: SplitName) -> RawSplit:
    """Read a split of a task from the data folder.

    Raises:
        UserError: for a missing folder, file or column, an empty split, a repeated id, and more than 0.1 % malformed
            rows; UnavailableError if the folder or the file is missing or cannot be read.
    """
    path = split_path(spec, directory, split)
    return parse_split(spec, split, read_bytes(path), path)


def split_path(spec: TaskSpec, directory: Path, split: SplitName) -> Path:
    """Return the file of a split.

    Raises:
        UserError: if the task has no such file.
        UnavailableError: if the folder or the file does not exist.
    """
    name: str | None = getattr(spec.files, split)
    if name is None:
        raise UserError(f"task '{spec.name}' has no {split} file; set files.{split} of the task")
    return find_file(directory, name, f"task '{spec.name}': no {split} file")


def find_file(directory: Path, name: str, missing: str) -> Path:
    """Return a file of the data folder.

    Args:
        directory: the folder.
        name: name of the file, relative to the folder.
        missing: begins the message if there is no such file.

    Raises:
        UnavailableError: if the folder or the file does not exist (the message suggests the most similar name), or
            the folder cannot be read.
    """
    path = directory / name
    try:
        if path.is_file():
            return path
        near = get_close_matches(path.name, [file.name for file in directory.iterdir()], n=1)
    except (FileNotFoundError, NotADirectoryError):
        raise UnavailableError(
            f"no data folder '{directory}'; it should contain {name} and the other files of the tasks"
        ) from None
    except OSError as error:
        raise UnavailableError(f"{path}: cannot read the file: {error.strerror or error}") from error
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise UnavailableError(f"{missing} '{path}'{hint}")


def read_bytes(path: Path) -> bytes:
    """Read the content of a data file.

    Raises:
        UnavailableError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnavailableError(f"{path}: cannot read the file: {error.strerror or error}") from error


def parse_split(spec: TaskSpec, split: SplitName, content: bytes, path: Path) -> RawSplit:
    """Parse the rows in a split file's bytes.

    Args:
        spec: the task.
        split: train, dev or test.
        content: the bytes of the file.
        path: the file, for messages.

    Raises:
        UserError: see :func:`read_split`.
    """
    table = read_delimited(content, str(path))
    reader = _RowReader.of(spec, split, table.header, path)
    rows: list[_Row] = []
    faults: list[tuple[Record, str]] = []
    for number, record in enumerate(table.records):
        try:
            rows.append(reader.row(record, number))
        except _MalformedRowError as fault:
            faults.append((record, str(fault)))
    skipped = [f"{path.name}:{record.line}: {why}" for record, why in faults]
    # An unclosed quote makes one record of many lines, which are all lost.
    _check_faults(path, skipped, sum(record.lines for record, _ in faults), len(rows))
    if not rows:
        raise UserError(f"{path}: no rows below the header")
    _check_ids(path, rows)
    labels = [row.label for row in rows if row.label is not None]
    return RawSplit(
        ids=[row.id for row in rows],
        sentences=[row.sentences for row in rows],
        labels=label_array(spec, labels) if len(labels) == len(rows) else None,
        skipped=skipped,
        path=path,
    )


class _MalformedRowError(ValueError):
    """Why a row cannot be used."""


@dataclass(frozen=True)
class _Row:
    line: int
    id: str
    sentences: tuple[str, ...]
    label: float | None


@dataclass(frozen=True)
class _RowReader:
    """The columns of id, sentences and label in a record; None if there is no such column."""

    id: int | None
    sentences: dict[str, int]
    label: int | None
    parse_label: Callable[[str], float]
    needs_label: bool

    @classmethod
    def of(cls, spec: TaskSpec, split: SplitName, header: list[str], path: Path) -> _RowReader:
        columns, is_test = spec.columns, split == "test"
        without_label = is_test and columns.label not in header
        return cls(
            id=None if columns.id is None else _column(header, columns.id, path),
            sentences={name: _column(header, name, path) for name in columns.sentences},
            label=None if without_label else _column(header, columns.label, path),
            parse_label=label_parser(spec),
            needs_label=not is_test,
        )

    def row(self, record: Record, number: int) -> _Row:
        """Read the row in a record, the ``number``-th of its file from 0."""
        if record.fault:
            raise _MalformedRowError(record.fault)
        row_id = str(number) if self.id is None else record.cells[self.id].strip()
        if not row_id:
            raise _MalformedRowError("id is empty")
        for name, column in self.sentences.items():
            if not record.cells[column].strip():
                raise _MalformedRowError(f"{name} is empty")
        sentences = tuple(record.cells[column] for column in self.sentences.values())
        return _Row(record.line, row_id, sentences, self._label(record))

    def _label(self, record: Record) -> float | None:
        if self.label is None:
            return None
        try:
            return self.parse_label(record.cells[self.label])
        except ValueError as error:
            if self.needs_label:
                raise _MalformedRowError(str(error)) from error
            return None  # a test row is only predicted, whatever its label cell contains


def _column(header: list[str], name: str, path: Path) -> int:
    """Return the index of the column with exactly this name."""
    if header.count(name) > 1:
        raise UserError(f"{path}: column '{name}' occurs {header.count(name)} times in the header")
    if name in header:
        return header.index(name)
    named = [column for column in header if column.strip()]
    found = ", ".join(f"'{column[:40]}'" for column in named) or "no names"
    raise UserError(f"{path}: no column '{name}'; the header has {found}{_meant(name, named)}")


def _meant(name: str, header: list[str]) -> str:
    folded = {column.strip().casefold(): column for column in header}
    near = get_close_matches(name.strip().casefold(), folded, n=1)
    return f"; did you mean '{folded[near[0]]}'? Use the name in the header" if near else ""


def _check_faults(path: Path, faults: list[str], lost: int, good: int) -> None:
    if lost <= _SKIPPED_PER_ROW * (lost + good):
        return
    more = len(faults) - _QUOTED_FAULTS
    raise MalformedRowsError(
        f"{path}: {lost:,} of {lost + good:,} rows are malformed, but at most 0.1 % may be skipped; fix them: "
        f"{'; '.join(faults[:_QUOTED_FAULTS])}{f'; and {more:,} more' if more > 0 else ''}",
        tuple(faults),
    )


def _check_ids(path: Path, rows: list[_Row]) -> None:
    seen: dict[str, int] = {}
    twice: list[str] = []
    for row in rows:
        first = seen.setdefault(row.id, row.line)
        if first != row.line:
            twice.append(f"'{row.id}' is in lines {first} and {row.line}")
    if twice:
        more = len(twice) - _QUOTED_FAULTS
        rest = f", and {more:,} more" if more > 0 else ""
        raise UserError(f"{path}: ids must be unique, but {', '.join(twice[:_QUOTED_FAULTS])}{rest}")

"""Read one split of a task from its file; malformed rows are named, and skipped if they are few."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.errors import UserError, quoted
from data.files import read_bytes, split_path
from data.gold import Labels, label_array
from data.row_reader import MalformedRowError, NoTextError, Row, RowReader
from data.splitting.folds import assign_folds
from data.splitting.holdout import Indices, assign_splits
from data.splitting.split_rule import SPLIT_WORDS
from data.tables.columns import column_index
from data.tables.read import read_beginning, read_table
from data.tables.table import Record, Table
from data.tasks import SplitName, TaskSpec

__all__ = [
    "MalformedRowsError",
    "RawSplit",
    "RowCounts",
    "check_header",
    "column_names",
    "parse_split",
    "parse_table",
    "read_split",
    "texts_digest",
]

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
class RowCounts:
    """Rows of a file that deserve a word, whether they are used or not.

    Attributes:
        several_lines: examples whose cells contain line breaks.
        textless: examples with a sentence without any visible character; the model reads ``[CLS] [SEP]``.
        left_out: rows of train or dev that are left out because a sentence is empty.
        empty: records left out because all their cells are empty.
    """

    several_lines: int = 0
    textless: int = 0
    left_out: int = 0
    empty: int = 0

    def remarks(self) -> Iterator[str]:
        """Yield a phrase for each number that is not 0."""
        if self.several_lines:
            yield f"{self.several_lines:,} over several lines"
        if self.textless:
            yield f"{self.textless:,} without text"
        if self.left_out:
            yield f"{self.left_out:,} more left out because a text is empty"
        if self.empty:
            yield f"{self.empty:,} empty row{'s' if self.empty > 1 else ''} ignored"


@dataclass(frozen=True)
class RawSplit:
    """The rows of one split, in the order of the file.

    Attributes:
        ids: one per example, all different; the row number from 0 if the task or the file has no id column.
        sentences: one or two sentences per example, as in the file.
        labels: class indices (int64) or scores (float32), (n,); None for a test split with missing labels.
        skipped: 'file:line: reason' for each row that was left out: malformed, or in train and dev without text.
        path: the file.
        counts: what is to be said of the file's rows.
        other_columns: cells of further columns that the reader asked for and the file has, one per example, by column.
        lines: line of each example in the file, or its row in a file without lines, from 1; empty for examples that
            were not read from a file.
        folds: the fold of each example, (n,), in which it is dev; None if train and dev have rows of their own.
    """

    ids: list[str]
    sentences: list[tuple[str, ...]]
    labels: Labels | None
    skipped: list[str]
    path: Path
    counts: RowCounts = RowCounts()
    other_columns: Mapping[str, list[str]] = field(default_factory=dict)
    lines: Sequence[int] = ()
    folds: Indices | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of ids, sentences, labels and folds in order, 64 hex digits; studies have stored it."""
        labels = self.labels
        parts = [
            "\0".join(self.ids).encode(),  # no cell contains NUL
            "\0".join(chain.from_iterable(self.sentences)).encode(),
            b"" if labels is None else labels.astype(labels.dtype.newbyteorder("<")).tobytes(),
        ]
        if self.folds is not None:
            parts.append(self.folds.astype("<i8").tobytes())
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    def subset(self, positions: npt.NDArray[np.int64]) -> RawSplit:
        """Return the examples at these positions, in this order."""
        return RawSplit(
            [self.ids[position] for position in positions],
            [self.sentences[position] for position in positions],
            None if self.labels is None else self.labels[positions],
            self.skipped,
            self.path,
            self.counts,
            {name: [cells[position] for position in positions] for name, cells in self.other_columns.items()},
            [self.lines[position] for position in positions] if self.lines else (),
            None if self.folds is None else self.folds[positions],
        )


def read_split(spec: TaskSpec, directory: Path, split: SplitName, other_columns: Sequence[str] = ()) -> RawSplit:
    """Read a split of a task from the data folder.

    Args:
        spec: the task.
        directory: the data folder.
        split: train, dev or test.
        other_columns: further columns to keep where the file has them; see :attr:`RawSplit.other_columns`.

    Raises:
        UserError: for a missing folder, file or column, an empty split, a repeated id, and more than 0.1 % malformed
            rows; UnavailableError if the folder or the file is missing or cannot be read.
    """
    path = split_path(spec, directory, split)
    return parse_split(spec, split, read_bytes(path), path, other_columns)


def column_names(spec: TaskSpec, directory: Path, split: SplitName) -> list[str]:
    """Return the names in the header of a split's file, as they are there.

    Raises:
        UserError: for a missing folder or file, or one without a header; UnavailableError as :func:`read_split`.
    """
    path = split_path(spec, directory, split)
    return read_table(read_bytes(path), str(path), spec.quoting).header


def texts_digest(texts: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return the SHA-256 of the sentences of each id, in any order, 64 hex digits."""
    return hashlib.sha256(json.dumps(sorted([name, *sentences] for name, sentences in texts)).encode()).hexdigest()


def check_header(spec: TaskSpec, split: SplitName, path: Path, *, needs_id: bool = False) -> None:
    """Check the columns of a split's file, without reading the rest; a compressed file passes.

    The columns of a JSON file are those of its first rows. For ``needs_id``, see :func:`parse_split`.

    Raises:
        UserError: a column of the task is missing, or the file has another format.
    """
    if (table := read_beginning(path, spec.quoting)) is not None:
        RowReader.of(spec, split, table, path, (), needs_id)
        for column in (spec.split.group, spec.split.column) if spec.split else ():
            if column is not None and split in ("train", *spec.taken):
                column_index(table.header, column, path)


def parse_split(
    spec: TaskSpec,
    split: SplitName,
    content: bytes,
    path: Path,
    other_columns: Sequence[str] = (),
    *,
    needs_id: bool = False,
) -> RawSplit:
    """Parse the rows in a split file's bytes.

    Args:
        spec: the task.
        split: train, dev or test.
        content: the bytes of the file.
        path: the file, for messages.
        other_columns: see :func:`read_split`.
        needs_id: refuse a file without the task's id column, instead of numbering its rows if it is the default one.

    Raises:
        UserError: see :func:`read_split`.
    """
    table = read_table(content, str(path), spec.quoting)
    return parse_table(spec, split, table, path, other_columns, needs_id=needs_id)


def parse_table(
    spec: TaskSpec,
    split: SplitName,
    table: Table,
    path: Path,
    other_columns: Sequence[str] = (),
    *,
    needs_id: bool = False,
) -> RawSplit:
    """Parse the rows of a split in the table of its file; see :func:`parse_split`."""
    if split in ("train", *spec.taken) and spec.taken:
        return _parse_part(spec, split, table, path, other_columns, needs_id)
    return _parse_whole(spec, split, table, path, other_columns, needs_id)


def _parse_part(
    spec: TaskSpec, split: SplitName, table: Table, path: Path, other_columns: Sequence[str], needs_id: bool
) -> RawSplit:
    """Parse the rows of a split that shares its file with others."""
    assert spec.split is not None, "a split without a rule has a file of its own"
    if spec.split.column is not None:
        records = _records_of(split, spec.split.column, table, path)
        return _parse_whole(spec, split, replace(table, records=records), path, other_columns, needs_id)
    group = spec.split.group
    if group is not None:
        column_index(table.header, group, path)  # other columns may be missing, this one may not
    read = other_columns if group is None else dict.fromkeys([*other_columns, group])
    raw = _parse_whole(spec, "train", table, path, list(read), needs_id)
    assert raw.labels is not None, "rows of train without a label are malformed"
    groups = None if group is None else raw.other_columns[group]
    parts = assign_splits(raw.sentences, raw.labels, spec.shares, spec.split.seed, groups)
    if not all(len(part) for part in parts.values()):
        empty = next(name for name, part in parts.items() if not len(part))
        raise UserError(
            f"{path}: {empty} gets none of {len(raw):,} rows, whose near-duplicates and groups stay together; set "
            f"split.{'dev' if empty == 'train' else empty} to another share, or give {empty} a file of its own"
        )
    part = raw.subset(parts["train" if spec.folds is not None and split == "dev" else split])
    if spec.folds is not None and split != "test":
        part = _in_folds(part, spec.folds, spec.split.seed, group)
    asked = {name: cells for name, cells in part.other_columns.items() if name in other_columns}
    part = replace(part, other_columns=asked)
    # What is to be said of the file is said once.
    return part if split == "train" else replace(part, skipped=[], counts=RowCounts())


def _in_folds(raw: RawSplit, count: int, seed: int, group: str | None) -> RawSplit:
    """Assign the rows to folds.

    Raises:
        UserError: if a fold would be empty.
    """
    assert raw.labels is not None, "rows of train without a label are malformed"
    groups = None if group is None else raw.other_columns[group]
    folds = assign_folds(raw.sentences, raw.labels, count, seed, groups)
    if (filled := len(np.unique(folds))) < count:
        remedy = f"set folds = {filled} or fewer, or add rows" if filled > 1 else "add rows"
        raise UserError(
            f"{raw.path}: {count - filled} of {count} folds get none of {len(raw):,} rows, because near-duplicates and "
            f"groups stay in one fold; {remedy}"
        )
    return replace(raw, folds=folds)


def _records_of(split: SplitName, column: str, table: Table, path: Path) -> list[Record]:
    """Return the records that the column assigns to the split; malformed ones belong to train.

    Raises:
        UserError: if the column is missing, or a cell names no split.
    """
    place = column_index(table.header, column, path)
    names = {word: name for name, words in SPLIT_WORDS.items() for word in words}
    found = []
    for record in table.records:
        word = "train" if record.fault else record.cells[place].strip().casefold()
        if word not in names:
            raise UserError(
                f"{path}:{record.line}: column '{column}' must name a split (train, dev or test), got "
                f"{quoted(record.cells[place])}"
            )
        if names[word] == split:
            found.append(record)
    if not found:
        remedy = "; set split.test = 0 if there is no test" if split == "test" else ""
        raise UserError(f"{path}: column '{column}' has no row of {split}{remedy}")
    return found


def _parse_whole(
    spec: TaskSpec, split: SplitName, table: Table, path: Path, other_columns: Sequence[str], needs_id: bool
) -> RawSplit:
    reader = RowReader.of(spec, split, table, path, other_columns, needs_id)
    rows: list[Row] = []
    faults: list[tuple[Record, str]] = []
    textless: list[tuple[Record, str]] = []
    for record in table.records:
        try:
            rows.append(reader.row(record))
        except NoTextError as fault:
            textless.append((record, str(fault)))
        except MalformedRowError as fault:
            faults.append((record, str(fault)))
    named = [f"{path.name}:{record.line}: {why}" for record, why in faults]
    # An unclosed quote makes one record of many lines, which are all lost.
    _check_faults(path, named, sum(record.lines for record, _ in faults), len(rows))
    _check_text(path, [why for _, why in textless], len(rows))
    if not rows:
        raise UserError(f"{path}: no rows below the header")
    _check_ids(path, rows, table.counts)
    skipped = [f"{path.name}:{record.line}: {why}" for record, why in sorted(faults + textless)]
    labels = [row.label for row in rows if row.label is not None]
    return RawSplit(
        ids=[row.id for row in rows],
        sentences=[row.sentences for row in rows],
        labels=label_array(spec, labels) if len(labels) == len(rows) else None,
        skipped=skipped,
        path=path,
        counts=RowCounts(
            several_lines=sum(row.is_broken for row in rows),
            textless=sum(row.is_textless for row in rows),
            left_out=len(textless),
            empty=table.empty,
        ),
        other_columns={
            name: [row.other_columns[place] for row in rows] for place, name in enumerate(reader.other_columns)
        },
        lines=[row.line for row in rows],
    )


def _check_faults(path: Path, faults: list[str], lost: int, good: int) -> None:
    if lost <= _SKIPPED_PER_ROW * (lost + good):
        return
    more = len(faults) - _QUOTED_FAULTS
    raise MalformedRowsError(
        f"{path}: {lost:,} of {lost + good:,} rows are malformed, but at most 0.1 % may be skipped; fix them: "
        f"{'; '.join(faults[:_QUOTED_FAULTS])}{f'; and {more:,} more' if more > 0 else ''}",
        tuple(faults),
    )


def _check_text(path: Path, textless: list[str], good: int) -> None:
    if len(textless) > good:
        raise UserError(
            f"{path}: {len(textless):,} of {len(textless) + good:,} rows have no text: {textless[0]}; "
            "check columns.sentences of the task"
        )


def _check_ids(path: Path, rows: list[Row], places: str) -> None:
    seen: dict[str, int] = {}
    twice: list[str] = []
    for row in rows:
        first = seen.setdefault(row.id, row.line)
        if first != row.line:
            twice.append(f"{quoted(row.id)} is in {places}s {first} and {row.line}")
    if twice:
        more = len(twice) - _QUOTED_FAULTS
        rest = f", and {more:,} more" if more > 0 else ""
        raise UserError(f"{path}: ids must be unique, but {', '.join(twice[:_QUOTED_FAULTS])}{rest}")

"""Read the example in a record of a table, or say why there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from data.gold import label_parser
from data.tables.columns import column_index, id_index
from data.tables.swallowed_rows import RowLike, swallowed_rows
from data.tables.table import Record, Table
from data.tasks import SplitName, TaskSpec

__all__ = ["MalformedRowError", "NoTextError", "Row", "RowReader", "has_text"]

_BREAK = re.compile("[\r\n]")
# What a BERT tokenizer gives a token for: neither white space nor control, format, surrogate or replacement characters.
_VISIBLE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffd]")


def has_text(sentence: str) -> bool:
    """Return whether a sentence has a visible character."""
    return _VISIBLE.search(sentence) is not None


class MalformedRowError(ValueError):
    """Why a row cannot be used."""


class NoTextError(ValueError):
    """Which sentence of a row is empty."""


class Row(NamedTuple):
    """An example as its record has it.

    Attributes:
        line: of the record.
        is_broken: whether it goes over several lines.
        id, sentences, other_columns: its cells.
        label: class index or score; None if there is none.
        is_textless: whether a sentence has no visible character.
    """

    line: int
    is_broken: bool
    id: str
    sentences: tuple[str, ...]
    label: float | None
    is_textless: bool
    other_columns: tuple[str, ...]


@dataclass(frozen=True)
class RowReader:
    """The columns of id, sentences, label and others in a record; None if there is no such column."""

    id: int | None
    sentences: dict[str, int]
    label: int | None
    parse_label: Callable[[str], float]
    delimiter: str | None
    is_test: bool
    other_columns: dict[str, int]

    @classmethod
    def of(
        cls,
        spec: TaskSpec,
        split: SplitName,
        table: Table,
        path: Path,
        other_columns: Iterable[str],
        needs_id: bool,
    ) -> RowReader:
        """Find the columns of a task in a table; see :func:`data.reading.parse_split`.

        Raises:
            UserError: one is missing.
        """
        columns, header, is_test = spec.columns, table.header, split == "test"
        without_label = is_test and columns.label not in header
        return cls(
            id=id_index(header, columns.id, path, is_needed=needs_id),
            sentences={name: column_index(header, name, path) for name in columns.sentences},
            label=None if without_label else column_index(header, columns.label, path),
            parse_label=label_parser(spec),
            delimiter=table.delimiter,
            is_test=is_test,
            other_columns={name: column_index(header, name, path) for name in other_columns if name in header},
        )

    def row(self, record: Record) -> Row:
        """Read the row in a record.

        Raises:
            MalformedRowError: it cannot be used.
            NoTextError: a sentence is empty, and this is not test.
        """
        if record.fault:
            raise MalformedRowError(record.fault)
        if record.lines > 1:
            self._refuse_joined(record)
        if record.nested:
            self._refuse_nested(record.nested)
        row_id = str(record.number) if self.id is None else record.cells[self.id].strip()
        if not row_id:
            raise MalformedRowError("id is empty")
        sentences = tuple([record.cells[column] for column in self.sentences.values()])
        is_textless = not all(map(has_text, sentences))
        if is_textless and not self.is_test:
            self._refuse_empty(sentences)
        other_columns = tuple([record.cells[column] for column in self.other_columns.values()])
        # Other formats than delimited text write a line break in a text without breaking the line.
        is_broken = record.lines > 1 or (self.delimiter is None and any(map(_BREAK.search, sentences)))
        return Row(record.line, is_broken, row_id, sentences, self._label(record), is_textless, other_columns)

    def _refuse_joined(self, record: Record) -> None:
        assert self.delimiter is not None, "records of other formats are of one line"
        like = RowLike(record.cells, self.delimiter, self.id, self.label, self.parse_label)
        if (why := swallowed_rows(record, self.delimiter, like)) is not None:
            raise MalformedRowError(why)

    def _refuse_nested(self, nested: tuple[int, ...]) -> None:
        """Refuse lists and objects in the columns of the task."""
        used = {"id": self.id, **self.sentences, "label": None if self.is_test else self.label}
        for name, column in used.items():
            if column in nested:
                raise MalformedRowError(f"{name} is a list or an object; a row has one text or number per column")

    def _refuse_empty(self, sentences: tuple[str, ...]) -> None:
        """Refuse empty sentences; invisible characters count as text here, as they always did."""
        for name, sentence in zip(self.sentences, sentences, strict=True):
            if not sentence.strip():
                raise NoTextError(f"{name} is empty")

    def _label(self, record: Record) -> float | None:
        if self.label is None:
            return None
        try:
            return self.parse_label(record.cells[self.label])
        except ValueError as error:
            if not self.is_test:
                raise MalformedRowError(str(error)) from error
            return None  # a test row is only predicted, whatever its label cell contains

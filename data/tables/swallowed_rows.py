"""Find rows that two lone quotes have joined: the first opens a cell, and the second, some lines later, closes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from data.tables.table import Record

__all__ = ["RowLike", "swallowed_rows"]

_BREAK = re.compile("\r\n|\r|\n")


def swallowed_rows(record: Record, delimiter: str, is_row: Callable[[list[str]], bool]) -> str | None:
    """Say where a quoted cell of a record begins and ends if its lines look like rows of their own.

    Text over several lines is usual. It is suspicious if the line in which the quote opens would be a whole row without
    it, and a later line of the cell too.

    Args:
        record: over several lines.
        delimiter: between its cells.
        is_row: whether the cells of a line, split at every delimiter, look like a row.

    Returns:
        The reason why the record cannot be used, or None.
    """
    line = record.line
    for number, cell in enumerate(record.cells):
        if breaks := len(_BREAK.findall(cell)):
            others = [_BREAK.sub(" ", other) for other in record.cells]
            text = delimiter.join([*others[:number], cell, *others[number + 1 :]])
            first, *later = (part.split(delimiter) for part in _BREAK.split(text))
            rows = sum(map(is_row, later))
            if rows and is_row(first):
                return (
                    f"the quote that opens in line {line} closes in line {line + breaks}, and {rows + 1} of these "
                    f"{breaks + 1} lines look like rows; if quotes are plain text in this file, set quoting = "
                    '"none", else write a quote inside a quoted cell twice'
                )
        line += breaks
    return None


@dataclass(frozen=True)
class RowLike:
    """Tell whether the cells of a line look like a row of the same file as a record.

    Tabs hardly occur in text, so the number of cells is enough. Commas and semicolons do: the label must be one of the
    task, and the id of the same kind as the record's, or there is no evidence.

    Attributes:
        record: the cells of the record that contains the line.
        delimiter: between cells.
        id: index of the id column, or None.
        label: index of the label column, or None.
        parse_label: raises ValueError for a text that is no label of the task.
    """

    record: list[str]
    delimiter: str
    id: int | None
    label: int | None
    parse_label: Callable[[str], float]

    def __call__(self, cells: list[str]) -> bool:
        """Return whether they do."""
        if len(cells) != len(self.record) or len(cells) == 1:
            return False
        if self.delimiter == "\t":
            return True
        return (
            (self.id is not None or self.label is not None)
            and (self.label is None or self._is_label(cells[self.label]))
            and (self.id is None or _kind_of_id(cells[self.id]) == _kind_of_id(self.record[self.id]))
        )

    def _is_label(self, text: str) -> bool:
        try:
            self.parse_label(text)
        except ValueError:
            return False
        return True


def _kind_of_id(text: str) -> tuple[bool, ...]:
    """Return what an id consists of: is it empty, and has it digits, letters and white space?"""
    text = text.strip()
    return (not text, *(any(map(of_kind, text)) for of_kind in (str.isdigit, str.isalpha, str.isspace)))

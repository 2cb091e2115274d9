"""Hold a table of text cells, whatever format its file has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from data.tables.text_files import not_utf8

__all__ = ["Record", "Table", "unreadable"]

# NUL, the code points that `surrogateescape` uses for bytes that are not UTF-8, and other halves of surrogate pairs.
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_BYTES = range(0xDC80, 0xDD00)


class Record(NamedTuple):
    """One record below the header.

    Attributes:
        line: number of its first line in the file, or of its row if the file has no lines, from 1.
        lines: number of its lines; more than one if a quoted cell of delimited text contains line breaks.
        cells: its cells, as many as the header has; empty if there is a ``fault``.
        fault: why the record cannot be used, or None.
        number: its position in the table, from 0; records of empty cells count, empty lines do not.
        nested: indices of the cells that stand for a list or an object, which is no text.
    """

    line: int
    lines: int
    cells: list[str]
    fault: str | None = None
    number: int = 0
    nested: tuple[int, ...] = ()


@dataclass(frozen=True)
class Table:
    """The records of a file.

    Attributes:
        header: the column names.
        records: in the order of the file.
        delimiter: between the cells of delimited text; None for other formats, whose records cannot run together.
        empty: number of records left out because all their cells are empty, as spreadsheets leave them at the end.
        counts: what :attr:`Record.line` is.
    """

    header: list[str]
    records: list[Record]
    delimiter: str | None = None
    empty: int = 0
    counts: Literal["line", "row"] = "line"

    @classmethod
    def of(
        cls,
        header: list[str],
        records: list[Record],
        *,
        delimiter: str | None = None,
        counts: Literal["line", "row"] = "line",
    ) -> Table:
        """Build a table without the records whose cells are all empty; in a table of one column, they are kept."""
        kept = [one for one in records if len(header) == 1 or one.fault or one.nested or any(map(str.strip, one.cells))]
        return cls(header, kept, delimiter, len(records) - len(kept), counts)


def unreadable(cells: list[str]) -> str | None:
    """Say why the text of some cells cannot be used, or return None."""
    text = "".join(cells)
    if "\0" not in text:
        try:
            text.encode()  # much faster than the search below
        except UnicodeEncodeError:
            pass
        else:
            return None
    found = _UNREADABLE.search(text)
    assert found is not None, "nothing else cannot be encoded"
    if found[0] == "\0":
        return "contains a NUL byte"
    if ord(found[0]) in _BYTES:
        return not_utf8(found[0])
    return f"contains \\u{ord(found[0]):04x}, half of a surrogate pair, which is no character"

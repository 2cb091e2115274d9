"""Parse delimited text (tab, comma or semicolon) into records that know their line and what is wrong with them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from data.errors import UserError
from data.tables.text_files import decode_text, not_utf8, refuse_other_text

__all__ = ["DelimitedFile", "Quoting", "Record", "read_delimited"]

Quoting = Literal["minimal", "none"]
"""``minimal``: a cell that begins with ``"`` is quoted; ``none``: ``"`` is a character like any other."""

# NUL, and the code points that `surrogateescape` uses for bytes that are not UTF-8.
_UNREADABLE = re.compile("[\0\udc80-\udcff]")
_SEPARATORS = ' \t\r\n,;"\N{NO-BREAK SPACE}'
_OR_NONE = '; if quotes are plain text in this file, set quoting = "none"'
# The module refuses cells of more than 131,072 characters, but a cell is never larger than its file. The limit is one
# of the process. The largest that every platform accepts:
csv.field_size_limit(2**31 - 1)


class Record(NamedTuple):
    """One record below the header.

    Attributes:
        line: number of its first line in the file, from 1.
        lines: number of its lines; more than one if a quoted cell contains line breaks.
        cells: its cells, as many as the header has; empty if there is a ``fault``.
        fault: why the record cannot be used, or None.
        number: its position below the header, from 0; records of empty cells count, empty lines do not.
    """

    line: int
    lines: int
    cells: list[str]
    fault: str | None = None
    number: int = 0


@dataclass(frozen=True)
class DelimitedFile:
    """A delimited file.

    Attributes:
        header: the column names in its first line.
        records: in the order of the file.
        delimiter: between the cells.
        empty: number of records left out because all their cells are empty, as spreadsheets leave them at the end.
    """

    header: list[str]
    records: list[Record]
    delimiter: str = ","
    empty: int = 0


def read_delimited(content: bytes, source: str, quoting: Quoting = "minimal") -> DelimitedFile:
    """Parse a whole file: text as :func:`data.tables.text_files.decode_text` reads it, with any line ends.

    Empty lines, and records whose cells are all empty, are skipped; in a file of one column, only empty lines. A record
    that cannot be used does not stop the parsing, but has a fault.

    Args:
        content: the file's bytes.
        source: the file's name for error messages.
        quoting: whether cells may be quoted.

    Raises:
        UserError: if the file is empty, has another format, or its header cannot be used.
    """
    text = decode_text(content, source)
    if not text.strip():
        raise UserError(f"{source}: the file is empty")
    refuse_other_text(text, source)
    delimiter = _delimiter(text)
    records = _records(text, delimiter, quoting)
    for line, _, header, fault in records:
        if fault:
            raise UserError(f"{source}:{line}: header: {fault}")
        if any(map(str.strip, header)):
            break
    else:
        raise UserError(f"{source}: the file is empty")
    columns, empty = len(header), 0
    kept: list[Record] = []
    for number, (line, lines, cells, fault) in enumerate(records):
        if fault:
            kept.append(Record(line, lines, [], fault, number))
        elif columns > 1 and not any(map(str.strip, cells)):
            empty += 1
        elif len(cells) != columns:
            why = f"{len(cells)} cell{'s' if len(cells) != 1 else ''}, but the header has {columns}"
            kept.append(Record(line, lines, [], why, number))
        else:
            kept.append(Record(line, lines, cells, None, number))
    return DelimitedFile(header, kept, delimiter, empty)


def _records(text: str, delimiter: str, quoting: Quoting) -> Iterator[tuple[int, int, list[str], str | None]]:
    """Yield line, number of lines, cells and fault of all records that are not empty lines, the header first."""
    # strict, because otherwise '"a" b' would lose its quotes, and an unclosed quote would silently swallow the rest.
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL,
        strict=True,
    )
    is_readable, line = _is_readable(text), 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # the reader continues with the next line
            yield line, reader.line_num + 1 - line, [], _explain(error)
        else:
            if cells:
                fault = None if is_readable else _unreadable(cells)
                yield line, reader.line_num + 1 - line, cells, fault
        line = reader.line_num + 1


def _delimiter(text: str) -> str:
    """Return the delimiter in the first line that has more than delimiters: the header."""
    lines = (line for line in io.StringIO(text, newline="") if line.strip(_SEPARATORS))
    header = next(lines, "")
    if "\t" in header:
        return "\t"
    return ";" if header.count(";") > header.count(",") else ","


def _is_readable(text: str) -> bool:
    """Return whether the whole text is free of what :func:`_unreadable` finds, which is faster than cell by cell."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _unreadable(cells: list[str]) -> str | None:
    found = _UNREADABLE.search("".join(cells))
    if found is None:
        return None
    return "contains a NUL byte" if found[0] == "\0" else not_utf8(found[0])


def _explain(error: csv.Error) -> str:
    message = str(error)
    if "end of data" in message:
        return f"unclosed quote{_OR_NONE}"
    if "expected after" in message:
        return f"text after the closing quote of a cell; write a quote inside a quoted cell twice{_OR_NONE}"
    return message

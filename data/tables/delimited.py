"""Parse delimited text (tab, comma or semicolon) into records that know their line and what is wrong with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Literal

from data.errors import UserError
from data.tables.table import Record, Table, unreadable
from data.tables.text_files import decode_text, refuse_other_text

__all__ = ["Quoting", "parse_delimited", "read_delimited"]

Quoting = Literal["minimal", "none"]
"""``minimal``: a cell that begins with ``"`` is quoted; ``none``: ``"`` is a character like any other."""

_SEPARATORS = ' \t\r\n,;"\N{NO-BREAK SPACE}'
_OR_NONE = '; if quotes are plain text in this file, set quoting = "none"'
# The module refuses cells of more than 131,072 characters, but a cell is never larger than its file. The limit is one
# of the process. The largest that every platform accepts:
csv.field_size_limit(2**31 - 1)


def read_delimited(content: bytes, source: str, quoting: Quoting = "minimal") -> Table:
    """Parse the bytes of a whole file, which :func:`data.tables.text_files.decode_text` decodes.

    Args:
        content: the file's bytes.
        source: the file's name for error messages.
        quoting: whether cells may be quoted.

    Raises:
        UserError: see :func:`parse_delimited`; also if the file is no text.
    """
    return parse_delimited(decode_text(content, source), source, quoting)


def parse_delimited(text: str, source: str, quoting: Quoting = "minimal") -> Table:
    """Parse the text of a whole file, with any line ends.

    Empty lines, and records whose cells are all empty, are skipped; in a file of one column, only empty lines. A record
    that cannot be used does not stop the parsing, but has a fault.

    Args:
        text: the file's text.
        source: the file's name for error messages.
        quoting: whether cells may be quoted.

    Raises:
        UserError: if the file is empty, has another format, or its header cannot be used.
    """
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
    columns = len(header)
    found: list[Record] = []
    for number, (line, lines, cells, fault) in enumerate(records):
        # A record of other length whose cells are all empty is a line that a spreadsheet left.
        if not fault and len(cells) != columns and (columns == 1 or any(map(str.strip, cells))):
            fault = f"{len(cells)} cell{'s' if len(cells) != 1 else ''}, but the header has {columns}"
        found.append(Record(line, lines, [] if fault else cells, fault, number))
    return Table.of(header, found, delimiter=delimiter)


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
                fault = None if is_readable else unreadable(cells)
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
    """Return whether the whole text is free of what :func:`unreadable` finds, which is faster than cell by cell."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _explain(error: csv.Error) -> str:
    message = str(error)
    if "end of data" in message:
        return f"unclosed quote{_OR_NONE}"
    if "expected after" in message:
        return f"text after the closing quote of a cell; write a quote inside a quoted cell twice{_OR_NONE}"
    return message

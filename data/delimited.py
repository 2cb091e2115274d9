"""Parse delimited text (tab, comma or semicolon) into records that know their line and what is wrong with them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from data.errors import UserError

__all__ = ["DelimitedFile", "Record", "read_delimited"]

# NUL, and the code points that `surrogateescape` uses for bytes that are not UTF-8.
_UNREADABLE = re.compile("[\0\udc80-\udcff]")


@dataclass(frozen=True)
class Record:
    """One record below the header.

    Attributes:
        line: number of its first line in the file, from 1.
        lines: number of its lines; more than one if a quoted cell contains line breaks.
        cells: its cells, as many as the header has; empty if there is a ``fault``.
        fault: why the record cannot be used, or None.
    """

    line: int
    lines: int
    cells: list[str]
    fault: str | None = None


@dataclass(frozen=True)
class DelimitedFile:
    """A delimited file: the column names in its first line, and its records in the order of the file."""

    header: list[str]
    records: list[Record]


def read_delimited(content: bytes, source: str) -> DelimitedFile:
    """Parse a whole file: UTF-8 with or without BOM, any line ends, cells quoted with ``"`` where necessary.

    Empty lines are skipped. A record that cannot be used does not stop the parsing, but has a fault.

    Args:
        content: the file's bytes.
        source: the file's name for error messages.

    Raises:
        UserError: if the file is empty or UTF-16, or its header cannot be used.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{source}: the file is UTF-16; save it as UTF-8")
    text = content.decode("utf-8-sig", errors="surrogateescape")
    if not text.strip():
        raise UserError(f"{source}: the file is empty")
    records = _records(text)
    first = next(records)
    if first.fault:
        raise UserError(f"{source}:{first.line}: header: {first.fault}")
    return DelimitedFile(first.cells, [_checked(record, len(first.cells)) for record in records])


def _records(text: str) -> Iterator[Record]:
    """Yield all records that are not empty lines, the header first."""
    # strict, because otherwise '"a" b' would lose its quotes, and an unclosed quote would silently swallow the rest.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # the reader continues with the next line
            yield Record(line, reader.line_num + 1 - line, [], _explain(error))
            continue
        if cells:
            yield Record(line, reader.line_num + 1 - line, cells, _unreadable(cells))


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n").splitlines()[0]
    if "\t" in header:
        return "\t"
    return ";" if header.count(";") > header.count(",") else ","


def _checked(record: Record, columns: int) -> Record:
    """Return the record, with a fault if its number of cells differs from the header's."""
    count = len(record.cells)
    if record.fault is None and count == columns:
        return record
    why = record.fault or f"{count} cell{'s' if count != 1 else ''}, but the header has {columns}"
    return Record(record.line, record.lines, [], why)


def _unreadable(cells: list[str]) -> str | None:
    found = _UNREADABLE.search("".join(cells))
    if found is None:
        return None
    return "contains a NUL byte" if found[0] == "\0" else f"byte 0x{ord(found[0]) - 0xDC00:02x} is not UTF-8"


def _explain(error: csv.Error) -> str:
    message = str(error)
    if "end of data" in message:
        return "unclosed quote"
    if "field larger" in message:
        return f"a cell has more than {csv.field_size_limit():,} characters; check for an unclosed quote"
    if "expected after" in message:
        return "text after the closing quote of a cell; write a quote inside a quoted cell twice"
    return message

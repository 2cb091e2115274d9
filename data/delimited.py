"""Delimited text (tab, comma or semicolon) as records that know their line, and what is wrong with them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from data.errors import UserError

__all__ = ["DelimitedFile", "Record", "read_delimited"]

# What `surrogateescape` makes of bytes that are not UTF-8, and NUL.
_UNREADABLE = re.compile("[\0\udc80-\udcff]")


@dataclass(frozen=True)
class Record:
    """One record below the header.

    Attributes:
        line: number of its first line in the file, from 1.
        lines: how many lines it takes up; more than one where a quoted cell holds line breaks.
        cells: its cells, as many as the header has; empty where ``fault`` says why they cannot be used.
        fault: what is wrong with it, or None.
    """

    line: int
    lines: int
    cells: list[str]
    fault: str | None = None


@dataclass(frozen=True)
class DelimitedFile:
    """A delimited file: the names in its first line, and its records in the order of the file."""

    header: list[str]
    records: list[Record]


def read_delimited(content: bytes, source: str) -> DelimitedFile:
    """Parse a whole file: UTF-8 with or without BOM, any line ends, cells quoted with ``"`` where they need it.

    Empty lines are passed over. A record that cannot be used does not stop the reading: it carries its fault.

    Args:
        content: the file's bytes.
        source: the file's name for error messages.

    Raises:
        UserError: if the file is empty, or is UTF-16.
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
    """All records that are not empty lines, the header first."""
    # strict: otherwise '"a" b' would lose its quotes, and a quote never closed would swallow the rest in silence.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # the reader starts afresh on the next line
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
    """The record, at fault if it has not as many cells as the header has names."""
    count = len(record.cells)
    if record.fault is None and count == columns:
        return record
    why = record.fault or f"{count} cell{'s' if count != 1 else ''} where the header has {columns}"
    return Record(record.line, record.lines, [], why)


def _unreadable(cells: list[str]) -> str | None:
    found = _UNREADABLE.search("".join(cells))
    if found is None:
        return None
    return "a NUL byte" if found[0] == "\0" else f"the byte 0x{ord(found[0]) - 0xDC00:02x} is not UTF-8"


def _explain(error: csv.Error) -> str:
    message = str(error)
    if "end of data" in message:
        return "a quote opened here is never closed"
    if "field larger" in message:
        return f"a cell of more than {csv.field_size_limit():,} characters; is a quote left open?"
    if "expected after" in message:
        return "a quoted cell goes on after its closing quote; a quote inside a quoted cell is written twice"
    return message

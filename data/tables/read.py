"""Read the table in a data file, whatever its format: delimited text, JSON or Parquet, each also in gzip."""

from __future__ import annotations

import gzip
from pathlib import Path

from data.errors import UserError
from data.tables.delimited import Quoting, parse_delimited
from data.tables.json_rows import is_json, parse_json
from data.tables.parquet import is_parquet, parquet_header, parquet_rows, read_parquet
from data.tables.table import Table
from data.tables.text_files import decode, expand, is_compressed, is_utf16

__all__ = ["count_rows", "read_beginning", "read_table"]

_BEGINNING = 2**16  # bytes in which a header ends
_CHUNK = 2**20


def read_table(content: bytes, source: str, quoting: Quoting = "minimal") -> Table:
    """Read a whole file; its content says what format it has, and its name only what a malformed JSON file is.

    Args:
        content: the file's bytes.
        source: the file's name for error messages.
        quoting: whether cells of delimited text may be quoted.

    Raises:
        UserError: if the file is empty, damaged, or of another format, or if Parquet cannot be read here.
    """
    content = expand(content, source)
    return read_parquet(content, source) if is_parquet(content) else _parse(decode(content, source), source, quoting)


def read_beginning(path: Path, quoting: Quoting = "minimal") -> Table | None:
    """Read the first rows of a file, or of a Parquet file none, but in any case the column names.

    The column names of JSON are those of the objects that are read.

    Returns:
        The table; None if the file is compressed, in UTF-16, or begins with a very long line.

    Raises:
        UserError: see :func:`read_table`.
    """
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING)
    if is_parquet(beginning):
        return parquet_header(path)
    if is_compressed(beginning) or is_utf16(beginning):
        return None
    is_part = len(beginning) == _BEGINNING
    text = decode(beginning[: beginning.rfind(b"\n") + 1] if is_part else beginning, str(path))
    return _parse(text, str(path), quoting, is_part) if text or not is_part else None


def count_rows(path: Path) -> int:
    """Count the rows of a file: its lines below the header, the objects of a JSON array, or what a Parquet file states.

    Lines are not parsed, so that empty ones and those within quotes count too.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
        if is_parquet(beginning):
            return parquet_rows(path)
        with gzip.open(path, "rb") if is_compressed(beginning) else path.open("rb") as file:
            first = file.read(_BEGINNING)
            start = first.decode("utf-8", errors="surrogateescape").lstrip("\ufeff \t\r\n")
            if is_parquet(first) or (start.startswith("[") and is_json(start, str(path))):
                return len(read_table(first + file.read(), str(path)).records)
            count, last, chunk = 0, b"\n", first
            while chunk:
                count += chunk.count(b"\n")
                last = chunk[-1:]
                chunk = file.read(_CHUNK)
    except (OSError, EOFError) as error:
        raise UserError(f"{path}: cannot read the file: {error}") from error
    header = 0 if is_json(start, str(path)) else 1
    return max(count + (last != b"\n") - header, 0)


def _parse(text: str, source: str, quoting: Quoting, is_beginning: bool = False) -> Table:
    if is_json(text, source):
        return parse_json(text, source, is_beginning=is_beginning)
    return parse_delimited(text, source, quoting)

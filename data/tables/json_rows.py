"""Parse JSON objects, one per line or in one array, into records with the cells that a CSV file of them would have."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

from data.errors import UserError
from data.tables.table import Record, Table, unreadable

__all__ = ["array_elements", "is_json", "parse_json"]

_ENDINGS = {".json", ".jsonl", ".ndjson"}
_WHITE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n]*([,\]]?)[ \t\r\n]*")
_AS_LINES = "write one object per line, or one array of objects"
_MOST_KEYS = 4096  # every row has a cell for each key of the file: if keys are data, that is a square of them
_CONSTANTS = {"NaN": "", "Infinity": "inf", "-Infinity": "-inf"}  # pandas writes NaN as an empty cell
# Numbers stay as they are written: 1.50 remains 1.50, as in a CSV file, and long ones lose no digits.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_CONSTANTS.__getitem__)


class _Row(NamedTuple):
    line: int
    row: dict[str, Any] | None
    fault: str | None = None


def is_json(text: str, source: str) -> bool:
    """Return whether a text begins with a JSON object or array, or with ``{`` or ``[`` under a name that says JSON."""
    text = text.lstrip()
    if not text.startswith(("{", "[")):
        return False
    path = PurePath(source.lower())
    if (PurePath(path.stem) if path.suffix == ".gz" else path).suffix in _ENDINGS:
        return True  # even if the first object is malformed
    if text.split("\n", 1)[0].strip() in ("{", "["):
        return True
    first_row = text[1:].lstrip()
    if text.startswith("[") and first_row.startswith("{"):
        return _after_value(first_row) in (",", "]", "")
    return _after_value(text) in ("{", "")


def parse_json(text: str, source: str, *, is_beginning: bool = False) -> Table:
    """Parse the text of a whole file.

    The header has the keys of all objects, in the order in which they first occur; a key that an object lacks is an
    empty cell, and so is null. Booleans are ``True`` and ``False``, as pandas writes them. Empty lines, and objects
    whose cells are all empty, are skipped. A malformed line does not stop the parsing, but has a fault.

    Args:
        text: the file's text; :func:`is_json`.
        source: the file's name for error messages.
        is_beginning: the text is the beginning of a longer file, and may end anywhere.

    Raises:
        UserError: if an array is malformed, or the file contains no objects, or objects without common keys.
    """
    is_array = text.lstrip().startswith("[")
    rows = (
        (_checked(value, line) for line, value in array_elements(text, source, _DECODER, is_beginning))
        if is_array
        else _lines(text, source)
    )
    places: dict[str, int] = {}
    records: list[Record] = []
    for one in rows:
        records.append(_record(one, len(records), places))
        if len(places) > _MOST_KEYS:
            raise UserError(
                f"{source}:{one.line}: the objects down to this line have more than {_MOST_KEYS:,} different keys; "
                "keys must be the names of the columns, the same ones in every object"
            )
    if not places:
        why = next((f":{one.line}: {one.fault}" for one in records if one.fault), ": the file is empty")
        raise UserError(f"{source}{why}")
    header = list(places)
    if (fault := unreadable(header)) is not None:
        raise UserError(f"{source}: a key {fault}")
    for record in records:
        if not record.fault:
            record.cells.extend([""] * (len(header) - len(record.cells)))  # keys that occur in later objects only
    return Table.of(header, records)


def _after_value(text: str) -> str | None:
    """Return the character after the JSON value at the start of a text; empty where a line ends, None without value."""
    try:
        _, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return text[end:].split("\n", 1)[0].strip()[:1]


def _lines(text: str, source: str) -> Iterator[_Row]:
    """Yield the object in each line that is not empty."""
    if text.lstrip().split("\n", 1)[0].strip() == "{":
        raise UserError(f"{source}: the file contains a JSON object over several lines; {_AS_LINES}")
    # Not str.splitlines, which also splits at separators that may be in a text.
    for line, part in enumerate(io.StringIO(text, newline=None), start=1):
        if part := part.strip(" \t\n"):
            yield _object(part, line)


def _object(text: str, line: int) -> _Row:
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return _Row(line, None, f"not valid JSON: {error.msg} at character {error.pos + 1:,}")
    except RecursionError:
        return _Row(line, None, "not valid JSON: nested too deeply")
    return _checked(value, line)


def _checked(value: Any, line: int) -> _Row:
    if isinstance(value, dict):
        return _Row(line, value)
    return _Row(line, None, f"{_kind(value)}, not an object with the columns as its keys")


def array_elements(
    text: str, source: str, decoder: json.JSONDecoder, is_beginning: bool = False
) -> Iterator[tuple[int, Any]]:
    """Yield the elements of a JSON array, each of any number of lines, with the line that it begins in.

    Args:
        text: the file's text, which begins with ``[``, perhaps after white space.
        source: the file's name for error messages.
        decoder: decodes an element.
        is_beginning: the text is the beginning of a longer file, and may end anywhere.

    Raises:
        UserError: if the array is empty or malformed.
    """
    position, line, last = _end(_WHITE, text, text.index("[") + 1), 1, 0
    if text[position : position + 1] == "]":
        raise UserError(f"{source}: the file is empty")
    while True:
        line, last = line + text.count("\n", last, position), position
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            if is_beginning:
                return
            # What is malformed may be far below the line in which its object begins.
            line, why = (error.lineno, error.msg) if isinstance(error, json.JSONDecodeError) else (line, error)
            raise UserError(f"{source}:{line}: not valid JSON: {why}") from None
        yield line, value
        between = _BETWEEN.match(text, position)
        assert between is not None, "matches everywhere"
        position = between.end()
        if between[1] == "]" and position == len(text):
            return
        if between[1] != ",":
            if is_beginning:
                return
            line += text.count("\n", last, position)
            what = "text after the array" if between[1] else "a comma or ] is missing after an element"
            raise UserError(f"{source}:{line}: not valid JSON: {what}")


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return position if found is None else found.end()


def _record(one: _Row, number: int, places: dict[str, int]) -> Record:
    """Return the record of an object; keys that are new get the next places."""
    if one.row is None:
        return Record(one.line, 1, [], one.fault, number)
    cells, nested = [""] * len(places), []
    for key, value in one.row.items():
        place = places.setdefault(key, len(places))
        if place == len(cells):
            cells.append("")
        if isinstance(value, str):
            cells[place] = value
        elif isinstance(value, bool):
            cells[place] = str(value)
        elif value is not None:
            nested.append(place)
    if (fault := unreadable(cells)) is not None:
        return Record(one.line, 1, [], fault, number)
    return Record(one.line, 1, cells, None, number, tuple(nested))


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    return "null" if value is None else "a single value"

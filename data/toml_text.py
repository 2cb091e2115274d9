"""Parse TOML text that people have written, and write strings as TOML does."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from typing import Any

from data.errors import UserError

__all__ = ["parse_toml", "toml_string"]

_DEEPEST = 50  # tables and lists within each other; no file of ours needs more than six


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Args:
        text: the content of a file.
        source: the path of the file, for error messages.

    Raises:
        UserError: with ``source:line: not TOML: what``; or the text is nested too deeply.
    """
    too_deep = UserError(f"{source}: tables and lists are nested more than {_DEEPEST} deep")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise too_deep from None
    except ValueError as error:  # not only TOMLDecodeError: a number of thousands of digits, a day that does not exist
        what = str(error)
        if found := re.search(r" \(at line (\d+), column (\d+)\)$", what):
            raise UserError(f"{source}:{found[1]}: not TOML: {what[: found.start()]} (column {found[2]})") from error
        raise UserError(f"{source}:{len(text.splitlines())}: not TOML: {what}") from error
    if _depth(table) > _DEEPEST:
        raise too_deep
    return table


def toml_string(text: str) -> str:
    """Write any text without lone surrogates as a basic string of TOML, in quotes."""
    # JSON escapes as TOML does, but leaves DEL, which TOML forbids.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _depth(table: dict[str, Any]) -> int:
    """Return how many tables and lists are within each other; does not recurse."""
    depth, level = 0, list[dict[str, Any] | list[Any]]([table])
    while level:
        depth += 1
        level = [inner for outer in level for inner in _values(outer) if isinstance(inner, dict | list)]
    return depth


def _values(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer

"""Find the line of a key in a TOML text. ``tomllib`` does not report it, so the text is scanned."""

from __future__ import annotations

import math
import re
from operator import itemgetter
from pathlib import Path

from data.errors import UserError
from search.parsing.errors import StudyFileError, spell_key

__all__ = ["error_in_file", "key_lines", "line_of"]

_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"^\s*\[\[?\s*({_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"^\s*({_DOTTED})\s*=")


def error_in_file(error: StudyFileError, path: Path, text: str) -> UserError:
    """Return the mistakes, one per line, with their places in the TOML file ``path``, whose content is ``text``.

    They are in the order of the file; those without a line, and those of other files, come last.
    """
    lines = key_lines(text)
    located: list[tuple[float, str]] = []
    for one in error.every:
        if isinstance(one, StudyFileError):
            line = line_of(one.key, lines)
            where = f"{path}:{line}" if line else str(path)
            key = f"{spell_key(one.key)}: " if one.key else ""
            located.append((line or math.inf, f"{where}: {key}{one.what}"))
        else:
            located.append((math.inf, str(one)))
    return UserError("\n".join(text for _, text in sorted(located, key=itemgetter(0))))


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the line, from 1, of every table header and of every key at the start of a line.

    Keys inside an inline table are not found, and a line of a multi-line string that looks like ``key =`` is taken for
    one: good enough to lead a reader to the place.
    """
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            lines.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            key = (*table, *_parts(assignment[1]))
            lines.setdefault(key, number)
    return lines


def line_of(key: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> int | None:
    """Return the line of the key, or of its first part (``a.b`` for ``a``), else of the table around it, else None."""
    for length in range(len(key), 0, -1):
        found = [line for known, line in lines.items() if known[:length] == key[:length]]
        if found:
            return min(found) if key[:length] not in lines else lines[key[:length]]
    return None


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))

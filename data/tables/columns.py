"""Find columns by their names in a header."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from data.errors import UserError, quoted

__all__ = ["column_hint", "column_index"]


def column_index(header: list[str], name: str, path: Path) -> int:
    """Return the index of the column with exactly this name.

    Raises:
        UserError: if the header has no such column, or several.
    """
    if header.count(name) > 1:
        raise UserError(f"{path}: column '{name}' occurs {header.count(name)} times in the header")
    if name in header:
        return header.index(name)
    named = [column for column in header if column.strip()]
    found = ", ".join(quoted(column) for column in named) or "no names"
    raise UserError(f"{path}: no column '{name}'; the header has {found}{column_hint(name, named)}")


def column_hint(name: str, header: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the column nearest to ``name``, or nothing if none is near."""
    folded = {column.strip().casefold(): column for column in header}
    near = get_close_matches(name.strip().casefold(), folded, n=1)
    return f"; did you mean '{folded[near[0]]}'? Use the name in the header" if near else ""

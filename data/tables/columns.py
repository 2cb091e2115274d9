"""Find columns by their names in a header."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data.errors import UserError, did_you_mean, quoted

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
    hint = did_you_mean(name, header, compared_as=lambda column: column.strip().casefold())
    return f"{hint} Use the name in the header" if hint else ""

"""Find columns by their names in a header."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data.errors import UserError, did_you_mean, quoted

__all__ = ["DEFAULT_ID", "column_hint", "column_index", "id_index"]

DEFAULT_ID = "id"
"""The id column that a file may lack: its rows are then numbered."""


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


def id_index(header: list[str], name: str | None, path: Path, *, is_needed: bool = False) -> int | None:
    """Return the index of the id column; None if rows are numbered: ``name`` is None, or the default column is missing.

    Raises:
        UserError: if another column is missing, or the default one ``is_needed``, or the header has several of them.
    """
    if name is None or (name == DEFAULT_ID and name not in header and not is_needed):
        return None
    return column_index(header, name, path)


def column_hint(name: str, header: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the column nearest to ``name``, or nothing if none is near."""
    hint = did_you_mean(name, header, compared_as=lambda column: column.strip().casefold())
    return f"{hint} Use the name in the header" if hint else ""

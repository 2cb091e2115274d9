"""A small table of strings, for terminals, pages and Markdown."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """Headings, and rows whose first cell is a heading too.

    Attributes:
        caption: what the table shows; may be empty.
        headings: one per column.
        rows: one cell per column in each.
        shades: how strongly to colour the cells after each row's first, 0 to 1; empty for a table without colours.
        footer: rows that summarise those above, such as their sum; set apart by a rule in a terminal.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shades: tuple[tuple[float, ...], ...] = ()
    footer: tuple[tuple[str, ...], ...] = ()

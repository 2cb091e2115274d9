"""A comparison of configurations at the end of a study, in a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from search.analysis.comparison_text import comparison_notes, narrow_tables
from search.analysis.seed_comparison import Comparison

__all__ = ["show_comparison"]


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Print it as two tables, which are not too wide for a terminal together with the settings, and notes."""
    settings = {path for row in comparison.rows for path in row.settings} or {""}
    console.print("\nconfigurations, mean over their seeds", style="italic")
    for rows in narrow_tables(comparison):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for heading in rows.headings:
            if heading in settings:
                table.add_column(heading, overflow="fold", min_width=8)
            else:  # where it is too wide all the same, the settings give way: half a number would be a wrong one
                table.add_column(heading.replace(" ", "\n").replace("/", "\n/"), justify="right", no_wrap=True)
        for row in rows.rows:
            table.add_row(*map(escape, row))
        console.print(table, highlight=False)
    for note in comparison_notes(comparison):
        console.print(note, highlight=False, markup=False, soft_wrap=True)

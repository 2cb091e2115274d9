"""Print a comparison of configurations at the end of a study."""

from __future__ import annotations

from rich.console import Console

from search.analysis.comparison_text import comparison_notes, narrow_tables
from search.analysis.seed_comparison import Comparison
from search.display.terminal_table import print_table

__all__ = ["show_comparison"]


def show_comparison(console: Console, comparison: Comparison) -> None:
    """Print the comparison as two tables, each narrow enough for a terminal, and its notes."""
    console.print()
    for table in narrow_tables(comparison):
        print_table(console, table)
    for note in comparison_notes(comparison):
        console.print(note, highlight=False, markup=False, soft_wrap=True)

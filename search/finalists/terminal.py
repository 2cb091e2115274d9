"""Print the outcome of the finalists in a terminal."""

from __future__ import annotations

from rich.console import Console

from search.display.terminal_table import print_table
from search.finalists.exportable_models import ExportableModel, model_sentences
from search.finalists.final_outcome import FinalOutcome
from search.finalists.final_sentences import outcome_notes, outcome_sentences
from search.finalists.final_tables import difference_tables, final_table

__all__ = ["show_outcome"]


def show_outcome(console: Console, outcome: FinalOutcome, models: list[ExportableModel]) -> None:
    """Print means, differences and the winner."""
    console.print()
    for table in (final_table(outcome), *difference_tables(outcome)):
        print_table(console, table)
    for line in (*outcome_notes(outcome), "", *outcome_sentences(outcome), *model_sentences(models)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)

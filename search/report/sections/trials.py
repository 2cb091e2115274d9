"""All trials."""

from __future__ import annotations

from search.expected_words import with_expected
from search.report.context import ReportContext
from search.report.parts import Section
from search.report.words import shown_table
from search.table import Table

__all__ = ["trials_section"]


def trials_section(context: ReportContext) -> Section:
    """One row a trial, the best first; all columns are in ``trials.csv``."""
    shown = shown_table(context.table).astype(str)
    table = Table("", tuple(shown.columns), tuple(tuple(row) for row in shown.to_numpy().tolist()))
    frame = with_expected(context.table, context.expected[0])
    return Section("trials", "Trials", (table,), {"trials.csv": frame})

"""The section on all trials."""

from __future__ import annotations

from search.analysis.expected_text import with_expected
from search.display.table import Table
from search.report.context import ReportContext
from search.report.parts import Note, ReportSection, TrialBrowser
from search.report.trial_details import trial_details
from search.report.trial_listing import trial_listing

__all__ = ["trials_section"]


def trials_section(context: ReportContext) -> ReportSection:
    """Make the section with one row per trial, the best first; ``trials.csv`` has all columns."""
    shown = trial_listing(context.table).astype(str)
    table = Table("", tuple(shown.columns), tuple(tuple(row) for row in shown.to_numpy().tolist()))
    note = Note("Best first. On the page, click a row to open its trial: learning curves, settings and cost.")
    frame = with_expected(context.table, context.expected[0])
    return ReportSection("trials", "Trials", (note, TrialBrowser(table, trial_details(context))), {"trials.csv": frame})

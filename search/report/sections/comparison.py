"""The section that compares configurations over several seeds."""

from __future__ import annotations

from search.analysis.comparison_text import comparison_frame, comparison_notes, comparison_table
from search.report.context import ReportContext
from search.report.figures import comparison_figure
from search.report.parts import Chart, Note, ReportSection

__all__ = ["comparison_section"]


def comparison_section(context: ReportContext) -> ReportSection | None:
    """Make the section; None if the study compares nothing."""
    if context.comparison is None:
        return None
    notes = (Note(line) for line in comparison_notes(context.comparison))
    chart = Chart(comparison_figure(context.comparison), is_wide=True)
    frames = {"comparison.csv": comparison_frame(context.comparison)}
    return ReportSection("comparison", "Comparison", (*notes, comparison_table(context.comparison), chart), frames)

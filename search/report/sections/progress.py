"""What was reached at what cost."""

from __future__ import annotations

from search.report.context import ReportContext
from search.report.figures import curves_figure, progress_figure
from search.report.parts import Chart, Fold, Note, Section

__all__ = ["progress_section"]


def progress_section(context: ReportContext) -> Section:
    """The best score over what was spent, and every trial's learning curve."""
    curves = {number: curve for number, curve in context.curves.items() if curve}
    return Section(
        "progress",
        "Progress over cost",
        (
            Chart(progress_figure(context.table), is_wide=True),
            Fold(
                "Learning curves",
                (
                    Note("Blue trials finished, orange ones were pruned."),
                    Chart(curves_figure(curves, context.states), is_wide=True),
                ),
            ),
        ),
    )

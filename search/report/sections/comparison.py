"""The section that compares configurations over several seeds."""

from __future__ import annotations

import plotly.graph_objects as go

from search.analysis.comparison_text import comparison_frame, comparison_notes, comparison_table, settings_text
from search.analysis.seed_comparison import Comparison, ComparisonRow
from search.display.figure_style import STATE_COLOURS, lay_out, show_usual_intervals
from search.display.values import rounded
from search.report.context import ReportContext
from search.report.parts import Chart, Note, ReportSection

__all__ = ["comparison_figure", "comparison_section"]


def comparison_section(context: ReportContext) -> ReportSection | None:
    """Make the section; None if the study compares nothing."""
    if context.comparison is None:
        return None
    notes = (Note(line) for line in comparison_notes(context.comparison))
    chart = Chart(comparison_figure(context.comparison), is_wide=True)
    frames = {"comparison.csv": comparison_frame(context.comparison)}
    return ReportSection("comparison", "Comparison", (*notes, comparison_table(context.comparison), chart), frames)


def comparison_figure(comparison: Comparison) -> go.Figure:
    """Draw each configuration's mean overall score with its 95 % interval, best on top, and a line at the reference."""
    rows, figure = comparison.rows, go.Figure()
    heights = [len(rows) - index for index in range(len(rows))]
    for name, colour in (("configuration", STATE_COLOURS["complete"]), ("reference", STATE_COLOURS["pruned"])):
        shown = [index for index in range(len(rows)) if (index == comparison.reference) == (name == "reference")]
        figure.add_scatter(
            x=[rows[index].overall for index in shown],
            y=[heights[index] for index in shown],
            error_x={"array": [rows[index].half_width for index in shown], "thickness": 2, "width": 5},
            mode="markers",
            name=name,
            marker={"color": colour, "size": 10},
            text=[settings_text(rows[index]) for index in shown],
        )
    figure.add_vline(
        rows[comparison.reference].overall, line={"color": STATE_COLOURS["pruned"], "dash": "dot", "width": 1}
    )
    lay_out(figure, "overall dev score, mean over seeds", "")
    show_usual_intervals(figure, [row.overall for row in rows], [row.half_width for row in rows])
    figure.update_yaxes(tickvals=heights, ticktext=[_label(row) for row in rows], range=[0.4, len(rows) + 0.6])
    figure.update_yaxes(automargin=True)
    lines = max(len(row.settings) for row in rows)
    figure.update_layout(
        height=140 + len(rows) * (16 + 18 * lines), margin={"t": 40}, legend={"y": 1, "yanchor": "bottom"}
    )
    return figure


def _label(row: ComparisonRow) -> str:
    """Return the values alone, one per line: names would leave no room for the intervals in a narrow window."""
    return "<br>".join(map(rounded, row.settings.values())) or "base"

"""Figures of trials over each setting, and of a comparison."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import plotly.graph_objects as go

from search.analysis.comparison_text import settings_text
from search.analysis.seed_comparison import Comparison, ComparisonRow
from search.display.figure_style import STATE_COLOURS, lay_out, log_axis, show_usual_intervals
from search.display.values import rounded
from search.recorded.trial_columns import SETTING
from search.report.trial_points import add_trials

__all__ = ["comparison_figure", "setting_figures"]


def setting_figures(
    table: pd.DataFrame, logarithmic: Collection[str], linked: Collection[str] = ()
) -> dict[str, go.Figure]:
    """Draw for each searched setting the overall score of each trial over its value; pruned trials at their best rung.

    Args:
        table: of trials.
        logarithmic: settings that were searched on a logarithmic scale, and are drawn on one.
        linked: settings that only follow others; they have no figure.
    """
    figures = {}
    for column in [name for name in table.columns if name.startswith(SETTING)]:
        path = column.removeprefix(SETTING)
        if path in linked:
            continue
        figure = go.Figure()
        for state in ("complete", "pruned"):
            part = table[(table["state"] == state) & table["overall"].notna() & table[column].notna()]
            add_trials(figure, part, column, state)
        figures[path] = lay_out(figure, path)
        if path in logarithmic:
            log_axis(figures[path], table[column].dropna().tolist())
    return figures


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

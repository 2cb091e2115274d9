"""Draw what a winner's techniques contribute."""

from __future__ import annotations

import plotly.graph_objects as go

from search.ablate.outcome import OVERALL, AblationOutcome
from search.display.figure_style import STATE_COLOURS, lay_out, show_usual_intervals

__all__ = ["gains_figure"]

_NAMES = {"helps": "helps", "harms": "does harm", "unclear": "no evidence"}
_COLOURS = {"helps": STATE_COLOURS["complete"], "harms": STATE_COLOURS["failed"], "unclear": STATE_COLOURS["running"]}


def gains_figure(outcome: AblationOutcome, score: str = OVERALL) -> go.Figure:
    """Draw the winner's gain from each technique with its 95 % interval, the largest overall gain on top.

    Args:
        outcome: of the ablation; rows without finished runs are left out.
        score: ``overall``, or the name of a task, whose own metric is drawn.
    """
    rows = [row for row in outcome.rows if row.gains]
    heights = dict(zip((row.ablation.row for row in rows), range(len(rows), 0, -1), strict=True))
    figure = go.Figure()
    for verdict, name in _NAMES.items():
        part = [row for row in rows if row.gains[score].verdict == verdict]
        figure.add_scatter(
            x=[row.gains[score].value for row in part],
            y=[heights[row.ablation.row] for row in part],
            error_x={"array": [row.gains[score].half_width or 0.0 for row in part], "thickness": 2, "width": 5},
            mode="markers",
            name=name,
            marker={"color": _COLOURS[verdict], "size": 9},
            text=[", ".join(row.ablation.techniques) for row in part],
            showlegend=bool(part),
        )
    figure.add_vline(0.0, line={"color": STATE_COLOURS["running"], "dash": "dot", "width": 1})
    lay_out(figure, f"gain in {score}", "")
    shown = [row.gains[score] for row in rows]
    show_usual_intervals(figure, [0.0, *(one.value for one in shown)], [None, *(one.half_width for one in shown)])
    figure.update_xaxes(nticks=5)  # more would stand on end in a narrow window
    labels = ["<br>".join(row.ablation.techniques) for row in rows]
    figure.update_yaxes(tickvals=list(heights.values()), ticktext=labels, range=[0.4, len(rows) + 0.6])
    figure.update_yaxes(automargin=True)
    figure.update_layout(height=140 + 26 * len(rows), margin={"t": 40}, legend={"y": 1, "yanchor": "bottom"})
    return figure

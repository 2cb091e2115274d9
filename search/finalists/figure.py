"""Draw the finalists' means with their intervals."""

from __future__ import annotations

import plotly.graph_objects as go

from search.analysis.seed_intervals import OVERALL
from search.display.figure_style import STATE_COLOURS, lay_out, show_usual_intervals
from search.finalists.final_outcome import FinalOutcome
from search.finalists.finalist import Finalist

__all__ = ["finalists_figure"]


def finalists_figure(outcome: FinalOutcome) -> go.Figure:
    """Draw each finalist's mean overall score with its 95 % interval if there is one, the winner on top."""
    figure, count = go.Figure(), len(outcome.finalists)
    heights = {one.name: count - place for place, one in enumerate(outcome.finalists)}
    groups = {"winner": [outcome.winner], "others": list(outcome.finalists[1:])}
    for name, colour in (("winner", STATE_COLOURS["complete"]), ("others", STATE_COLOURS["pruned"])):
        _add(figure, name, colour, groups[name], heights)
    lay_out(figure, "overall dev score, mean over seeds" if outcome.seeds_known else "overall dev score", "")
    shown = [(one.means[OVERALL], one.half_width) for one in outcome.finalists]
    show_usual_intervals(figure, [mean for mean, _ in shown], [half for _, half in shown])
    figure.update_yaxes(
        tickvals=list(heights.values()), ticktext=list(heights), range=[0.4, count + 0.6], automargin=True
    )
    figure.update_layout(height=140 + 40 * count, margin={"t": 40}, legend={"y": 1, "yanchor": "bottom"})
    return figure


def _add(figure: go.Figure, name: str, colour: str, shown: list[Finalist], heights: dict[str, int]) -> None:
    figure.add_scatter(
        x=[one.means[OVERALL] for one in shown],
        y=[heights[one.name] for one in shown],
        error_x={"array": [one.half_width for one in shown], "thickness": 2, "width": 5},
        mode="markers",
        name=name,
        marker={"color": colour, "size": 10},
        text=[f"{one.name}, {len(one.runs)} seed{'s' if len(one.runs) > 1 else ''}" for one in shown],
    )

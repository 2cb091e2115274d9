"""The section on the finalists over seeds."""

from __future__ import annotations

import plotly.graph_objects as go

from search.analysis.seed_intervals import OVERALL, interval_scope
from search.display.figure_style import STATE_COLOURS, lay_out, show_usual_intervals
from search.finalists.final_outcome import FinalOutcome
from search.finalists.final_sentences import outcome_notes
from search.finalists.final_tables import difference_tables, final_frame, final_table
from search.finalists.finalist import Finalist
from search.report.context import ReportContext
from search.report.parts import Chart, Fold, Note, Part, ReportSection

__all__ = ["finalists_section"]


def finalists_section(context: ReportContext) -> ReportSection | None:
    """Make the section on all configurations of the final; None without one."""
    outcome = context.outcome
    if outcome is None:
        return None
    parts: list[Part] = [
        Note(_introduction(outcome)),
        Chart(_means_figure(outcome), is_wide=True),
        final_table(outcome),
        *map(Note, outcome_notes(outcome)),
    ]
    if differences := difference_tables(outcome):
        parts.append(Fold("Differences", tuple(differences)))
    return ReportSection("finalists", "Finalists", tuple(parts), {"finalists.csv": final_frame(outcome)})


def _introduction(outcome: FinalOutcome) -> str:
    count = len(outcome.seeds)
    seeds = f"{count} fresh seeds each" if count > 1 else "one fresh seed"
    text = f"The best configurations of the search, trained again with {seeds}."
    scope = interval_scope(outcome.seeds_known, outcome.examples_unknown)
    return (
        f"{text} Bars are 95 % intervals {scope}. To compare two finalists, see the tables of differences."
        if scope
        else text
    )


def _means_figure(outcome: FinalOutcome) -> go.Figure:
    """Draw each finalist's mean overall score with its 95 % interval if there is one, the winner on top."""
    figure, count = go.Figure(), len(outcome.finalists)
    heights = {one.name: count - place for place, one in enumerate(outcome.finalists)}
    groups = {"winner": [outcome.winner], "others": list(outcome.finalists[1:])}
    for name, colour in (("winner", STATE_COLOURS["complete"]), ("others", STATE_COLOURS["pruned"])):
        _add_finalists(figure, name, colour, groups[name], heights)
    lay_out(figure, "overall dev score, mean over seeds" if outcome.seeds_known else "overall dev score", "")
    shown = [(one.means[OVERALL], one.half_width) for one in outcome.finalists]
    show_usual_intervals(figure, [mean for mean, _ in shown], [half for _, half in shown])
    figure.update_yaxes(
        tickvals=list(heights.values()), ticktext=list(heights), range=[0.4, count + 0.6], automargin=True
    )
    figure.update_layout(height=140 + 40 * count, margin={"t": 40}, legend={"y": 1, "yanchor": "bottom"})
    return figure


def _add_finalists(figure: go.Figure, name: str, colour: str, shown: list[Finalist], heights: dict[str, int]) -> None:
    figure.add_scatter(
        x=[one.means[OVERALL] for one in shown],
        y=[heights[one.name] for one in shown],
        error_x={"array": [one.half_width for one in shown], "thickness": 2, "width": 5},
        mode="markers",
        name=name,
        marker={"color": colour, "size": 10},
        text=[f"{one.name}, {len(one.runs)} seed{'s' if len(one.runs) > 1 else ''}" for one in shown],
    )

"""Draw score against cost."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from search.display.figure_style import BEST_COLOUR, STATE_COLOURS, lay_out, log_axis
from search.display.values import rounded
from search.pareto.costs import COSTS
from search.pareto.tradeoff import Tradeoff, cost_value
from search.recorded.trial_columns import SETTING
from search.recorded.trial_table import is_missing

__all__ = ["tradeoff_figure"]

_LOG_FROM = 20.0  # a cost that differs by such a factor is drawn on a logarithmic scale
_SETTINGS_SHOWN, _WIDEST = 12, 46  # of a label over a point, lines and characters: a phone is narrow


def tradeoff_figure(trade: Tradeoff) -> go.Figure:
    """Draw finished trials as points, pruned ones as circles, and the front as steps: the best score for each cost."""
    figure = go.Figure()
    for rows, name, symbol in ((trade.pruned, "pruned", "circle-open"), (trade.finished, "complete", "circle")):
        figure.add_scatter(
            x=_numbers(rows[trade.cost]),
            y=_numbers(rows["overall"]),
            mode="markers",
            name=name,
            marker={"color": STATE_COLOURS[name], "size": 9, "symbol": symbol, "line": {"width": 2}},
            text=[_label(row, trade.cost) for _, row in rows.iterrows()],
            hovertemplate="%{text}<extra></extra>",
        )
    front = trade.front
    steps = front.drop_duplicates([trade.cost, "overall"])
    most = trade.finished[trade.cost].astype(float).max()
    figure.add_scatter(
        x=[*_numbers(steps[trade.cost]), float(most)],
        y=[*_numbers(steps["overall"]), float(steps["overall"].iloc[-1])],
        mode="lines",
        name="Pareto front",
        line={"color": BEST_COLOUR, "shape": "hv", "width": 2},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=_numbers(steps[trade.cost]),
        y=_numbers(steps["overall"]),
        mode="markers+text",
        marker={"color": BEST_COLOUR, "size": 13, "symbol": "circle-open", "line": {"width": 2}},
        text=[_numbers_of_equals(front, row, trade.cost) for _, row in steps.iterrows()],
        textposition="top center",
        hoverinfo="skip",
        showlegend=False,
    )
    lay_out(figure, COSTS[trade.cost])
    figure.update_layout(hoverlabel={"align": "left"}, margin={"t": 40})
    costs = pd.concat([trade.finished[trade.cost], trade.pruned[trade.cost]]).astype(float)
    if costs.min() > 0 and costs.max() / costs.min() >= _LOG_FROM:
        log_axis(figure, costs.tolist())
    return figure


def _numbers(column: pd.Series) -> list[float]:
    return [float(value) for value in column]


def _numbers_of_equals(front: pd.DataFrame, row: pd.Series, cost: str) -> str:
    """List the trials that share a point of the front."""
    equals = front[(front[cost] == row[cost]) & (front["overall"] == row["overall"])]
    return ", ".join(str(number) for number in equals["trial"])


def _label(row: pd.Series, cost: str) -> str:
    """Give a trial's number, score, cost and settings, one per line."""
    settings = [
        f"{str(name).removeprefix(SETTING)} = {rounded(value)}"
        for name, value in row.items()
        if str(name).startswith(SETTING) and not is_missing(value)
    ]
    more = [f"and {len(settings) - _SETTINGS_SHOWN} more settings"] if len(settings) > _SETTINGS_SHOWN else []
    lines = [
        f"<b>trial {row['trial']}</b>, {row['state']}",
        f"overall {row['overall']:.4f}",
        f"{cost} {cost_value(row[cost])}",
        *settings[:_SETTINGS_SHOWN],
        *more,
    ]
    return "<br>".join(_cut(line) for line in lines)


def _cut(line: str) -> str:
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"

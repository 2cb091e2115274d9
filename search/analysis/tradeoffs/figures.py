"""Draw one task against another, and a task against its share of the loss."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from search.analysis.tradeoffs.correlations import share_column
from search.display.figure_style import STATE_COLOURS, lay_out
from search.recorded.trial_columns import SCORE

__all__ = ["pair_figure", "share_figure"]

_FRONT, _WINNER = "#2a9d5c", "#c8443c"


def pair_figure(table: pd.DataFrame, a: str, b: str, front: frozenset[int], winner: int | None) -> go.Figure:
    """Draw scores in task ``b`` over those in ``a``; rings mark the front over all tasks, a star the winner."""
    figure = _states(table, SCORE + a, SCORE + b)
    marked = {"front": (front, "circle-open", _FRONT, 13), "winner": ({winner} - {None}, "star", _WINNER, 14)}
    for name, (numbers, symbol, colour, size) in marked.items():
        part = table[table["trial"].isin(list(numbers))]
        figure.add_scatter(
            x=part[SCORE + a].tolist(),
            y=part[SCORE + b].tolist(),
            mode="markers",
            name=name,
            marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": 2 if "open" in symbol else 0}},
            hoverinfo="skip",
        )
    return lay_out(figure, f"{a}, dev score", f"{b}, dev score")


def share_figure(table: pd.DataFrame, task: str) -> go.Figure:
    """Draw the score of a task over its share of the loss."""
    return lay_out(_states(table, share_column(task), SCORE + task), f"loss weight of {task}", f"{task}, dev score")


def _states(table: pd.DataFrame, x: str, y: str) -> go.Figure:
    """Draw finished trials as points and pruned ones as circles."""
    figure = go.Figure()
    for state, symbol in (("pruned", "circle-open"), ("complete", "circle")):
        part = table[(table["state"] == state) & table[x].notna() & table[y].notna()]
        figure.add_scatter(
            x=part[x].tolist(),
            y=part[y].tolist(),
            mode="markers",
            name=state,
            marker={"color": STATE_COLOURS[state], "size": 8, "symbol": symbol},
            text=[
                f"trial {number}, overall {overall:.4f}"
                for number, overall in zip(part["trial"], part["overall"], strict=True)
            ],
        )
    return figure

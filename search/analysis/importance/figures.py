"""Draw how much settings matter, and the mean score over their values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from search.analysis.importance.effects import Effect
from search.analysis.importance.importance import Importance
from search.display.figure_style import STATE_COLOURS, lay_out, log_axis
from search.display.values import rounded

__all__ = ["effect_figure", "importance_figure"]

_LINE, _BAND = STATE_COLOURS["complete"], "rgba(42,122,184,.2)"
_SHOWN = 20
_MARGIN = 0.25  # above and below the means, for their bands
_SCORE = "mean overall dev score"


def importance_figure(importances: Sequence[Importance]) -> go.Figure:
    """Draw the shares of the variance with their intervals, the largest on top; at most 20."""
    shown = importances[:_SHOWN]
    figure = go.Figure()
    for is_clear, name, colour in ((True, "clear", _LINE), (False, "no evidence", STATE_COLOURS["running"])):
        part = [one for one in shown if one.is_clear == is_clear]
        lows, values, highs = _ends(part)
        figure.add_scatter(
            x=values.tolist(),
            y=[one.path for one in part],
            error_x={
                "array": (highs - values).tolist(),
                "arrayminus": (values - lows).tolist(),
                "thickness": 2,
                "width": 4,
            },
            mode="markers",
            name=name,
            marker={"color": colour, "size": 9},
        )
    lay_out(figure, "share of variance", "")
    figure.update_xaxes(tickformat=".0%", zeroline=True, zerolinecolor=STATE_COLOURS["running"])
    order = [one.path for one in reversed(shown)]
    figure.update_yaxes(automargin=True, categoryorder="array", categoryarray=order)
    figure.update_layout(height=120 + 24 * len(shown))
    return figure


def _ends(importances: Sequence[Importance]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lower ends, values and upper ends, limited to 0 to 1."""
    found = [(one.overall.low, one.overall.value, one.overall.high) for one in importances]
    low, value, high = np.clip(np.array(found).reshape(-1, 3), 0.0, 1.0).T
    return low, value, high


def effect_figure(effect: Effect, scores: tuple[float, float]) -> go.Figure:
    """Draw a curve with its band, values with their intervals, or the triangle of three shares.

    Args:
        effect: the effect.
        scores: lowest and highest mean of all figures that are shown together. They share one axis; otherwise a setting
            without effect would look as if it had one.
    """
    if effect.kind == "shares":
        return _triangle(effect, scores)
    figure = _curve(effect) if effect.kind == "number" else _levels(effect)
    low, high = scores
    return figure.update_yaxes(range=[low - _MARGIN * (high - low), high + _MARGIN * (high - low)])


def _curve(effect: Effect) -> go.Figure:
    figure, x = go.Figure(), list(effect.values)
    hidden = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    figure.add_scatter(x=x, y=list(effect.lows), **hidden)
    figure.add_scatter(
        x=x, y=list(effect.highs), **{**hidden, "showlegend": True}, fill="tonexty", fillcolor=_BAND, name="95 % band"
    )
    figure.add_scatter(x=x, y=list(effect.means), mode="lines", name="mean", line={"color": _LINE, "width": 2})
    lay_out(figure, effect.label, _SCORE)
    if effect.is_log:
        log_axis(figure, x)
    return figure


def _levels(effect: Effect) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=[rounded(value) for value in effect.values],
        y=list(effect.means),
        error_y={
            "array": [high - mean for high, mean in zip(effect.highs, effect.means, strict=True)],
            "thickness": 2,
            "width": 5,
        },
        mode="markers",
        name="mean, 95 % interval",
        marker={"color": _LINE, "size": 10},
    )
    lay_out(figure, effect.label, _SCORE)
    figure.update_xaxes(type="category")
    return figure


def _triangle(effect: Effect, scores: tuple[float, float]) -> go.Figure:
    figure = go.Figure()
    intervals = zip(effect.means, effect.lows, effect.highs, strict=True)
    points = {name: [value[index] for value in effect.values] for index, name in enumerate("abc")}
    figure.add_scatterternary(
        **points,
        mode="markers",
        marker={
            "color": list(effect.means),
            "cmin": scores[0],
            "cmax": scores[1],
            "colorscale": "Viridis",
            "size": 16,
            "colorbar": {
                "title": {"text": "mean overall dev score", "side": "top"},
                "orientation": "h",
                "thickness": 10,
                "y": -0.12,
                "yanchor": "top",
            },
        },
        cliponaxis=False,
        text=[f"{mean:.4f} [{low:.4f}, {high:.4f}]" for mean, low, high in intervals],
        hovertemplate="%{a:.2f}, %{b:.2f}, %{c:.2f}<br>%{text}<extra></extra>",
        showlegend=False,
    )
    figure.add_scatterternary(
        **{name: [values[effect.best]] for name, values in points.items()},
        mode="markers",
        marker={"symbol": "star", "size": 14, "color": STATE_COLOURS["failed"]},
        cliponaxis=False,
        name="best",
    )
    lay_out(figure, "")
    grey = "rgba(128,128,128,.25)"
    axes = {
        f"{name}axis": {"title": {"text": task}, "gridcolor": grey, "tickformat": ".1f", "dtick": 0.2}
        for name, task in zip("abc", effect.tasks, strict=True)
    }
    figure.update_layout(
        ternary={"sum": 1, "bgcolor": "rgba(0,0,0,0)", **axes}, margin={"t": 50, "l": 40, "r": 40, "b": 100}
    )
    return figure

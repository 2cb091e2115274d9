"""The style of figures; ``page.js`` adapts text and grids to light or dark mode."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

import plotly.graph_objects as go

__all__ = ["BEST_COLOUR", "EXPECTED_COLOUR", "STATE_COLOURS", "lay_out", "log_axis", "show_usual_intervals"]

STATE_COLOURS = {"complete": "#2a7ab8", "pruned": "#e0963c", "failed": "#c8443c", "running": "#888888"}
BEST_COLOUR = "#2a9d5c"
EXPECTED_COLOUR = "#9467bd"
_OFF_AXIS = 10.0


def lay_out(figure: go.Figure, x: str, y: str = "overall dev score") -> go.Figure:
    """Give the figure its axes' titles, and no paper of its own."""
    figure.update_layout(
        template="none",
        margin={"l": 60, "r": 20, "t": 30, "b": 50},
        height=380,
        xaxis={"title": x, "gridcolor": "rgba(128,128,128,.25)", "zeroline": False},
        yaxis={"title": y, "gridcolor": "rgba(128,128,128,.25)", "zeroline": False},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#777"},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0.0},
    )
    return figure


def log_axis(figure: go.Figure, values: Iterable[float]) -> go.Figure:
    """Make the x axis logarithmic, with a mark at every power of ten, and at its threefold where these are few.

    The marks cover the values that are above 0; without any, the axis remains linear.
    """
    exponents = [math.log10(value) for value in values if value > 0]
    if not exponents:
        return figure
    low, high = min(exponents), max(exponents)
    factors = (1, 3) if high - low < 3 else (1,)
    marks = [factor * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for factor in factors]
    # Plotly would write 10u (micro) for 1e-05, as nobody in a study file does.
    return figure.update_xaxes(type="log", tickvals=marks, ticktext=[f"{mark:.2g}" for mark in marks])


def show_usual_intervals(figure: go.Figure, means: Sequence[float], half_widths: Sequence[float | None]) -> go.Figure:
    """Cut the x axis where an interval is so wide that the others would shrink to points.

    All means stay on it; an interval of more than ten times the usual half width runs off the axis. A mean without an
    interval has None as its half width.
    """
    known = [(mean, half) for mean, half in zip(means, half_widths, strict=True) if half is not None]
    usual = median(half for _, half in known) if known else 0.0
    if usual <= 0.0 or max(half for _, half in known) <= _OFF_AXIS * usual:
        return figure
    ends = [end for mean, half in known if half <= _OFF_AXIS * usual for end in (mean - half, mean + half)]
    low, high = min(*ends, *means), max(*ends, *means)
    return figure.update_xaxes(range=[low - usual, high + usual])

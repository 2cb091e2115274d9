"""How the figures of our pages look, on light and dark paper alike."""

from __future__ import annotations

import plotly.graph_objects as go

__all__ = ["STATE_COLOURS", "lay_out"]

STATE_COLOURS = {"complete": "#2a7ab8", "pruned": "#e0963c", "failed": "#c8443c", "running": "#888888"}


def lay_out(figure: go.Figure, x: str, y: str = "overall dev score") -> go.Figure:
    """Give the figure its axes' titles, and no paper of its own."""
    figure.update_layout(
        template="none",
        margin={"l": 60, "r": 20, "t": 20, "b": 50},
        height=380,
        xaxis={"title": x, "gridcolor": "rgba(128,128,128,.25)", "zeroline": False},
        yaxis={"title": y, "gridcolor": "rgba(128,128,128,.25)", "zeroline": False},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#777"},
        legend={"orientation": "h", "y": 1.08},
    )
    return figure

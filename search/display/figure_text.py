"""Describe a figure in words for those who cannot see it."""

from __future__ import annotations

import re
from typing import Any

import plotly.graph_objects as go

__all__ = ["figure_text"]

_NAMED = 6  # traces
_TAG = re.compile(r"<[^>]*>")


def figure_text(figure: go.Figure, title: str = "") -> str:
    """What it shows: ``Progress. overall dev score over training examples: complete (12 points), pruned (3 points).``

    Args:
        figure: of any kind.
        title: stands before it; may be empty.
    """
    x, y = (_TAG.sub(" ", figure.layout[name].title.text or "") for name in ("xaxis", "yaxis"))
    axes = f"{y} over {x}" if x and y else x or y
    traces = [f"{trace.name} ({_size(trace)})" for trace in figure.data if trace.name]
    more = f" and {len(traces) - _NAMED} more" if len(traces) > _NAMED else ""
    shown = ", ".join(traces[:_NAMED]) + more
    described = ": ".join(filter(None, [axes, shown]))
    return " ".join(f"{part}." for part in (title.rstrip("."), described) if part) or "Figure."


def _size(trace: Any) -> str:
    for name in ("x", "y", "a", "z"):
        values = getattr(trace, name, None)
        if values is not None:
            count = sum(value is not None for value in values)
            return f"{count} point{'' if count == 1 else 's'}"
    return "no points"

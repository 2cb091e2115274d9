"""Pages of HTML with figures that need no network."""

from __future__ import annotations

import html
import json
import math
import re
from importlib import resources
from typing import Any

import jinja2
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from search.display.values import first_few

__all__ = ["data_script", "figure_div", "figure_text", "page_source", "render_page"]

_DIGITS = 6  # of a number in a figure: more than anybody can see
_HEIGHT = 380
_NAMED = 6  # traces in a description
_TAG = re.compile(r"<[^>]*>")


def render_page(template: str, **values: object) -> str:
    """Fill in a template that extends ``display/page.html.jinja``, which brings the style and plotly.

    Args:
        template: its file below ``search/``, such as ``report/report.html.jinja``.
        values: what it names; one that is missing is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(page_source), autoescape=True, undefined=jinja2.StrictUndefined
    )
    style, script = page_source("display/page.css"), page_source("display/page.js")
    shell = {"plotlyjs": get_plotlyjs(), "style": style, "script": script}
    return environment.get_template(template).render(**shell, **values)


def figure_div(figure: go.Figure, title: str = "") -> str:
    """Return a figure as HTML: its data, which the page's script draws when it comes near the window.

    Numbers are rounded to six digits. The title is part of the description for those who cannot see the figure.
    """
    content = figure.to_plotly_json()
    height = content["layout"].get("height", _HEIGHT)
    label = html.escape(figure_text(figure, title))
    head = f'<div class="figure" role="img" aria-label="{label}" style="height: {height}px">'
    return f"{head}{data_script(content)}</div>"


def figure_text(figure: go.Figure, title: str = "") -> str:
    """Describe a figure for those who cannot see it.

    ``Progress. overall dev score over training examples: complete (12 points), pruned (3 points).``
    """
    x, y = (_TAG.sub(" ", figure.layout[name].title.text or "") for name in ("xaxis", "yaxis"))
    axes = f"{y} over {x}" if x and y else x or y
    traces = [f"{trace.name} ({_size(trace)})" for trace in figure.data if trace.name]
    described = ": ".join(filter(None, [axes, first_few(traces, _NAMED)]))
    return " ".join(f"{part}." for part in (title.rstrip("."), described) if part) or "Figure."


def data_script(content: object) -> str:
    """Return JSON data as HTML within a page, which its scripts read."""
    text = json.dumps(_plain(content), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Within a script nothing is escaped, and "</script>" ends it wherever it stands.
    return '<script type="application/json">' + text.replace("<", "\\u003c") + "</script>"


def page_source(name: str) -> str:
    """Read a file below ``search/``."""
    return resources.files("search").joinpath(name).read_text(encoding="utf-8")


def _size(trace: Any) -> str:
    for name in ("x", "y", "a", "z"):
        values = getattr(trace, name, None)
        if values is not None:
            count = sum(value is not None for value in values)
            return f"{count} point{'' if count == 1 else 's'}"
    return "no points"


def _plain(value: Any) -> Any:
    """Round numbers for JSON, and replace those that are not finite with None."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if hasattr(value, "tolist"):  # an array or one of its numbers
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value

"""Pages of HTML with figures that need no network."""

from __future__ import annotations

import html
import json
import math
from importlib import resources
from typing import Any

import jinja2
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from search.display.figure_text import figure_text

__all__ = ["data_script", "figure_div", "page_source", "render_page"]

_DIGITS = 6  # of a number in a figure: more than anybody can see
_HEIGHT = 380


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

    Args:
        figure: with numbers as lists; they are rounded to six digits.
        title: what it shows, for those who cannot see it.
    """
    content = figure.to_plotly_json()
    height = content["layout"].get("height", _HEIGHT)
    label = html.escape(figure_text(figure, title))
    head = f'<div class="figure" role="img" aria-label="{label}" style="height: {height}px">'
    return f"{head}{data_script(content)}</div>"


def data_script(content: object) -> str:
    """JSON data as HTML within a page, which its scripts read."""
    text = json.dumps(_plain(content), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Within a script nothing is escaped, and "</script>" ends it wherever it stands.
    return '<script type="application/json">' + text.replace("<", "\\u003c") + "</script>"


def page_source(name: str) -> str:
    """Read a file below ``search/``."""
    return resources.files("search").joinpath(name).read_text(encoding="utf-8")


def _plain(value: Any) -> Any:
    """JSON data: rounded numbers, and none for those that are not finite."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if hasattr(value, "tolist"):  # an array or one of its numbers
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value

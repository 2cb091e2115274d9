"""Pages of HTML with figures that need no network."""

from __future__ import annotations

from importlib import resources

import jinja2
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

__all__ = ["figure_div", "render_page"]


def render_page(template: str, **values: object) -> str:
    """A template of this package, filled in; it extends ``page.html.jinja``, which brings the style and plotly.

    Args:
        template: its file, seen from this package.
        values: what it names; one that is missing is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(template).render(plotlyjs=get_plotlyjs(), **values)


def figure_div(figure: go.Figure) -> str:
    """The figure as a part of a page."""
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config={"responsive": True})
    return html


def _source(name: str) -> str:
    return resources.files("search").joinpath(name).read_text(encoding="utf-8")

"""Draw calibration, predicted scores, and errors over a property of the examples."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.statistics import Calibration, Interval
from search.analysis.mistakes.compared_runs import TaskRuns
from search.analysis.mistakes.quantile_slices import Quarter, range_text
from search.analysis.mistakes.score_fit import GoldRange, ScoreFit
from search.display.figure_style import STATE_COLOURS, lay_out

__all__ = ["quarters_figure", "reliability_figure", "residual_figure", "score_figure"]

_POINT, _LINE, _OUTLIER = STATE_COLOURS["complete"], STATE_COLOURS["running"], STATE_COLOURS["failed"]
_FAINT = "rgba(42,122,184,.35)"
_DRAWN = 1000  # points: each brings its sentences along
_OUTLIERS = 10
_WIDEST = 60  # characters of a line over a point: a phone is narrow


def reliability_figure(found: Calibration) -> go.Figure:
    """Draw accuracy over confidence, a point for each bin with its interval; the diagonal is perfect."""
    bins, figure = found.bins, go.Figure()
    lowest = min(0.95, *(one.confidence for one in bins), *(one.low for one in bins))
    _line(figure, [lowest, 1.0], [lowest, 1.0], "perfect")
    accuracy = [Interval(one.accuracy, one.low, one.high) for one in bins]
    _means(figure, [one.confidence for one in bins], accuracy, [f"{one.count} examples" for one in bins])
    return lay_out(figure, "probability of the predicted class", "accuracy")


def score_figure(runs: TaskRuns, fit: ScoreFit) -> go.Figure:
    """Draw predicted over gold scores with the fitted line, and mark the ten farthest from it; at most 1,000 points."""
    gold, predicted = runs.gold.astype(np.float64), runs.predictions[0].astype(np.float64)
    order = np.argsort(-np.abs(fit.residuals), kind="stable")
    outliers, others = order[:_OUTLIERS], order[_OUTLIERS:]
    if len(others) > _DRAWN:
        others = np.sort(np.random.default_rng(0).choice(others, _DRAWN, replace=False))
    figure = go.Figure()
    for places, name, marker in (
        (others, "examples", {"color": _FAINT, "size": 6}),
        (outliers, "farthest from the fit", {"color": _OUTLIER, "size": 9, "symbol": "circle-open"}),
    ):
        figure.add_scatter(
            x=gold[places].tolist(),
            y=predicted[places].tolist(),
            mode="markers",
            name=name,
            marker=marker,
            text=[_label(runs, place) for place in places.tolist()],
            hovertemplate="%{text}<br>gold %{x:.2f}, predicted %{y:.2f}<extra></extra>",
        )
    ends = np.array([gold.min(), gold.max()])
    _line(figure, ends.tolist(), (fit.intercept + fit.slope * ends).tolist(), "fit", "solid")
    _line(figure, ends.tolist(), ends.tolist(), "predicted = gold")
    lay_out(figure, "gold score", "predicted score")
    return figure.update_layout(hoverlabel={"align": "left"})


def residual_figure(ranges: Sequence[GoldRange]) -> go.Figure:
    """Draw the mean distance from the fitted line over ranges of the gold score."""
    figure = go.Figure()
    middles, means = [(one.low + one.high) / 2 for one in ranges], [one.residual for one in ranges]
    texts = [f"gold {one.low:g} to {one.high:g}: {one.count} examples" for one in ranges]
    _means(figure, middles, means, texts, "mean, simultaneous 95 % interval")
    lay_out(figure, "gold score", "predicted minus fitted line")
    return figure.update_yaxes(zeroline=True, zerolinecolor=_LINE)


def quarters_figure(parts: Sequence[Quarter], x: str, y: str) -> go.Figure:
    """Draw the mean error of quarters of the examples; ``x`` names the property, ``y`` the error."""
    figure = go.Figure()
    texts = [f"{len(one.errors)} examples" for one in parts]
    _means(figure, [range_text(one) for one in parts], [one.error for one in parts], texts)
    lay_out(figure, x, y)
    figure.update_xaxes(type="category")
    return figure.update_yaxes(rangemode="tozero")


def _means(
    figure: go.Figure,
    x: Sequence[float] | Sequence[str],
    means: Sequence[Interval],
    texts: list[str],
    name: str = "mean, 95 % interval",
) -> None:
    """Draw means with their intervals as whiskers."""
    whiskers = {
        "symmetric": False,
        "array": [one.high - one.value for one in means],
        "arrayminus": [one.value - one.low for one in means],
        "thickness": 2,
        "width": 4,
    }
    marker = {"color": _POINT, "size": 9}
    y = [one.value for one in means]
    figure.add_scatter(x=x, y=y, error_y=whiskers, mode="markers", name=name, marker=marker, text=texts)


def _line(figure: go.Figure, x: list[float], y: list[float], name: str, dash: str = "dot") -> None:
    figure.add_scatter(x=x, y=y, mode="lines", name=name, line={"color": _LINE, "dash": dash, "width": 1.5})


def _label(runs: TaskRuns, place: int) -> str:
    """The sentences, a line each. Plotly would read tags in them; it does not decode quotes."""
    lines = (" ".join(one.split()) for one in runs.dev.sentences[place])
    cut = (one if len(one) <= _WIDEST else f"{one[: _WIDEST - 1]}…" for one in lines)
    return "<br>".join(html.escape(one, quote=False) for one in cut)

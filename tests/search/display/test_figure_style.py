"""Axes of figures."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from search.display.figure_style import show_usual_intervals


def test_an_interval_many_times_as_wide_as_the_others_runs_off_the_axis() -> None:
    figure = show_usual_intervals(go.Figure(), [0.70, 0.71, 0.50], [0.01, 0.01, 1.9])
    assert list(figure.layout.xaxis.range) == pytest.approx([0.49, 0.73])  # all means, and the others' intervals


@pytest.mark.parametrize("half_widths", [[0.01, 0.02, 0.05], [None, None, None], [0.0, 0.0, 0.0], [0.01, None, 0.02]])
def test_usual_intervals_are_left_to_plotly(half_widths: list[float | None]) -> None:
    assert show_usual_intervals(go.Figure(), [0.70, 0.71, 0.50], half_widths).layout.xaxis.range is None

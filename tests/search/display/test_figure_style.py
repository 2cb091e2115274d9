"""Axes of figures."""

from __future__ import annotations

import math

import plotly.graph_objects as go
import pytest

from search.display.figure_style import log_axis, show_usual_intervals


def test_an_interval_many_times_as_wide_as_the_others_runs_off_the_axis() -> None:
    figure = show_usual_intervals(go.Figure(), [0.70, 0.71, 0.50], [0.01, 0.01, 1.9])
    assert list(figure.layout.xaxis.range) == pytest.approx([0.49, 0.73])  # all means, and the others' intervals


@pytest.mark.parametrize("half_widths", [[0.01, 0.02, 0.05], [None, None, None], [0.0, 0.0, 0.0], [0.01, None, 0.02]])
def test_usual_intervals_are_left_to_plotly(half_widths: list[float | None]) -> None:
    assert show_usual_intervals(go.Figure(), [0.70, 0.71, 0.50], half_widths).layout.xaxis.range is None


def test_marks_of_a_logarithmic_axis() -> None:
    axis = log_axis(go.Figure(), [2e-5, 0.0, 9e-4]).layout.xaxis
    assert list(axis.ticktext) == ["1e-05", "3e-05", "0.0001", "0.0003", "0.001", "0.003"]
    assert axis.type == "log"
    wide = log_axis(go.Figure(), [1e-6, 1.0]).layout.xaxis
    assert [round(math.log10(mark)) for mark in wide.tickvals] == [-6, -5, -4, -3, -2, -1, 0]
    assert log_axis(go.Figure(), [0.0]).layout.xaxis.type is None

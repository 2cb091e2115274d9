"""Figures within a page: in words, their marks, their data."""

from __future__ import annotations

import json
import math
from typing import Any

import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.display.figure_style import lay_out, log_axis
from search.display.figure_text import figure_text
from search.display.pages import data_script


def test_a_figure_in_words() -> None:
    figure = lay_out(go.Figure(), "training examples", "score<br>of sts")
    assert figure_text(figure, "Progress") == "Progress. score of sts over training examples."
    figure.add_scatter(x=[1.0, None, 2.0], y=[1.0, None, 2.0], name="complete")
    figure.add_scatter(x=[1.0], y=[1.0], name="pruned")
    figure.add_scatter(x=[1.0], y=[1.0])
    assert figure_text(figure) == "score of sts over training examples: complete (2 points), pruned (1 point)."
    assert figure_text(go.Figure()) == "Figure."


def test_marks_of_a_logarithmic_axis() -> None:
    axis = log_axis(go.Figure(), [2e-5, 0.0, 9e-4]).layout.xaxis
    assert list(axis.ticktext) == ["1e-05", "3e-05", "0.0001", "0.0003", "0.001", "0.003"]
    assert axis.type == "log"
    wide = log_axis(go.Figure(), [1e-6, 1.0]).layout.xaxis
    assert [round(math.log10(mark)) for mark in wide.tickvals] == [-6, -5, -4, -3, -2, -1, 0]
    assert log_axis(go.Figure(), [0.0]).layout.xaxis.type is None


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(), lambda inner: st.lists(inner, max_size=3)))
@settings(max_examples=50)
def test_data_in_a_page_cannot_end_its_script(content: Any) -> None:
    script = str(data_script({"text": "</script><script>alert(1)</script>", "content": content}))
    inner = script.removeprefix('<script type="application/json">').removesuffix("</script>")
    assert "<" not in inner
    read = json.loads(inner, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert read["text"] == "</script><script>alert(1)</script>"

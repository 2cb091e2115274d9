"""What the figures of trials draw, from small tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest

from core.statistics import Expectation
from search.display.figure_style import STATE_COLOURS
from search.report.trial_figures import curves_figure, progress_figure, setting_figures
from tests.search.report.evaluations import POINT
from tests.search.reported import TABLE, table_of


def traces(figure: go.Figure) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def test_scores_over_what_was_spent() -> None:
    """Trial 2, a repeat, costs nothing; trial 3 failed, and its mark is at the height of the worst score."""
    found = traces(progress_figure(TABLE, "examples", 0, {}))
    assert set(found) == {"complete", "pruned", "best so far", "failed", "default configuration"}
    assert (list(found["complete"].x), list(found["complete"].y)) == ([1000.0, 2250.0], [0.60, 0.64])
    assert list(found["pruned"].x) == [1250.0, 1250.0]
    assert list(found["best so far"].y) == [0.60, 0.64]
    assert found["best so far"].line.shape == "hv"
    assert (list(found["failed"].x), list(found["failed"].y)) == ([1250.0], [0.50])
    assert list(found["failed"].text) == ["trial 3"]
    assert (list(found["default configuration"].x), list(found["default configuration"].y)) == (
        [0.0, 2250.0],
        [0.60, 0.60],
    )


def test_hours_and_the_best_so_far_that_a_worse_trial_does_not_lower() -> None:
    table = table_of(
        (0, "complete", None, 0.7, 10, 1800.0, 0, ""),
        (1, "complete", None, 0.6, 10, 1800.0, 0, ""),
        (2, "running", None, None, 10, 900.0, 0, ""),  # has no score yet, and is not drawn
    )
    expected = {0: Expectation(0.7, 0.65, 0.6, 0.72), 1: Expectation(0.7, 0.66, 0.6, 0.71)}
    found = traces(progress_figure(table, "hours", None, expected))
    assert set(found) == {"complete", "pruned", "best so far", "expected on new data"}
    assert list(found["best so far"].x) == [0.5, 1.0]
    assert list(found["best so far"].y) == [0.7, 0.7]
    assert list(found["expected on new data"].y) == [0.65, 0.66]
    ends = found["expected on new data"].error_y.array  # of the last point only
    assert ends[0] is None
    assert ends[1] == pytest.approx(0.05)


def test_a_trial_below_the_floors_is_drawn_but_is_never_the_best() -> None:
    table = table_of(
        (0, "complete", None, 0.9, 10, 1.0, 0, ""),
        (1, "complete", None, 0.6, 10, 1.0, 0, ""),
        meets_floors=[False, True],
    )
    found = traces(progress_figure(table, "examples", None, {}))
    assert list(found["complete"].y) == [0.9, 0.6]
    assert list(found["best so far"].y) == [0.6]


def test_learning_curves_are_one_line_with_gaps_for_each_state() -> None:
    later = replace(POINT, rung=400, overall=0.7, scores={"sst": 0.55})
    curves = {0: [POINT, later], 1: [POINT], 2: [later], 3: []}
    states = {0: "complete", 1: "pruned", 2: "complete", 3: "pruned"}
    found = traces(curves_figure(curves, states, None, best=0))
    assert set(found) == {"complete", "pruned", "winner"}
    assert (list(found["winner"].x), list(found["winner"].y)) == ([200, 400, None], [0.6, 0.7, None])
    assert list(found["winner"].text) == ["trial 0"] * 3
    assert list(found["complete"].text) == ["trial 2"] * 2
    assert list(found["pruned"].y) == [0.6, None, None]
    assert found["winner"].line.width == 3
    figure = curves_figure(curves, states, "sst", best=None)
    assert figure.layout.yaxis.title.text == "sst, dev score"
    assert list(traces(figure)["complete"].y) == [0.5, 0.55, None, 0.55, None]


def test_scores_over_each_setting() -> None:
    columns = {
        "setting optim.learning_rate": [1e-5, 1e-4, 1e-3, 1e-3, 1e-2],
        "setting lora.rank": [None, 8.0, 4.0, 8.0, 2.0],
        "setting lora.alpha": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
    figures = setting_figures(TABLE.assign(**columns), {"optim.learning_rate"}, {"lora.alpha"})
    assert list(figures) == ["optim.learning_rate", "lora.rank"]
    assert figures["optim.learning_rate"].layout.xaxis.type == "log"
    assert figures["lora.rank"].layout.xaxis.type is None
    found = traces(figures["lora.rank"])
    assert (list(found["complete"].x), list(found["complete"].y)) == ([2.0], [0.64])  # trial 0 has no such setting
    assert list(found["pruned"].text) == ["trial 1", "trial 2"]
    assert found["pruned"].marker.color == STATE_COLOURS["pruned"]


@pytest.mark.parametrize(("count", "size", "opacity"), [(100, 9, 1.0), (101, 5, 0.6)])
def test_a_crowd_is_drawn_small(count: int, size: int, opacity: float) -> None:
    table = table_of(*((number, "complete", None, 0.5, 10, 1.0, 0, "") for number in range(count)))
    points = progress_figure(table, "examples", None, {}).data[0]
    assert (points.marker.size, points.opacity) == (size, opacity)

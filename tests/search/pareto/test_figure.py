"""What is drawn of a trade-off: points, the steps of the front, labels and the scale."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from search.pareto.figure import tradeoff_figure
from search.pareto.tradeoff import Tradeoff, tradeoff

# trial, state, overall, seconds
ROWS = [
    (0, "complete", 0.50, 10.0),
    (1, "complete", 0.60, 20.0),
    (2, "pruned", 0.70, 2.0),  # would be the front alone
    (3, "complete", 0.60, 20.0),  # the same seconds and score as trial 1
    (4, "complete", 0.55, 30.0),
]


def trade_of(*rows: tuple[Any, ...], contenders: set[int], **columns: list[Any]) -> Tradeoff:
    table = pd.DataFrame(rows, columns=["trial", "state", "overall", "seconds"]).assign(**columns)
    return tradeoff(table, contenders, "seconds")


def test_the_steps_of_the_figure() -> None:
    rates = {"setting optim.learning_rate": [1e-3 / (1 + row[0]) for row in ROWS]}
    figure = tradeoff_figure(trade_of(*ROWS, contenders={0, 1, 3, 4}, **rates))
    pruned, complete, steps, marks = figure.data
    assert list(pruned.x) == [2.0]
    assert list(complete.y) == [0.5, 0.6, 0.6, 0.55]
    # Up to the most expensive trial, although it is not on the front.
    assert (list(steps.x), list(steps.y)) == ([10.0, 20.0, 30.0], [0.5, 0.6, 0.6])
    assert steps.line.shape == "hv"
    assert list(marks.text) == ["0", "1, 3"]
    assert complete.text[0].startswith("<b>trial 0</b>, complete<br>overall 0.5000<br>seconds 10<br>")
    assert "optim.learning_rate = 0.001" in complete.text[0]
    without = tradeoff_figure(trade_of(*ROWS, contenders={0, 4}))  # 1 and 3 cannot be the best
    assert list(without.data[1].x) == [10.0, 30.0]


@pytest.mark.parametrize(("least", "scale"), [(1.5, "log"), (1.6, None), (0.0, None)])
def test_costs_that_differ_twentyfold_are_on_a_logarithmic_scale(least: float, scale: str | None) -> None:
    rows = [(0, "complete", 0.5, 30.0), (1, "pruned", 0.4, least)]
    assert tradeoff_figure(trade_of(*rows, contenders={0})).layout.xaxis.type == scale


def test_a_label_fits_a_phone() -> None:
    many = {f"setting heads.{number:02}": [number] for number in range(13)}
    long = {"setting " + "a" * 60: [1], "setting absent": [None]}
    trade = trade_of((0, "complete", 0.5, 30.0), contenders={0}, **long, **many)
    lines = tradeoff_figure(trade).data[1].text[0].split("<br>")
    assert lines[3] == "a" * 45 + "…"
    assert lines[4] == "heads.00 = 0"
    assert lines[-2:] == ["heads.10 = 10", "and 2 more settings"]  # 12 of 14 are shown; one is absent
    assert max(map(len, lines)) == 46

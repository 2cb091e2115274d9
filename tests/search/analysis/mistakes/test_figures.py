"""Figures of errors hold the numbers that they are drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.statistics import Calibration, Interval, TemperatureFit
from core.statistics.calibration import CalibrationBin
from data.reading import RawSplit
from data.task_files import builtin_tasks
from search.analysis.mistakes.compared_runs import TaskRuns
from search.analysis.mistakes.figures import quarters_figure, reliability_figure, residual_figure, score_figure
from search.analysis.mistakes.quantile_slices import Quarter, range_text
from search.analysis.mistakes.score_fit import GoldRange, fit_line


def runs_of(gold: np.ndarray, predicted: np.ndarray, sentence: str = "a b") -> TaskRuns:
    sentences: list[tuple[str, ...]] = [(sentence, f"number {index}") for index in range(len(gold))]
    dev = RawSplit([str(index) for index in range(len(gold))], sentences, gold, [], Path("dev.csv"))
    return TaskRuns(builtin_tasks()["sts"], dev, gold, ("trial 0",), (predicted,))


def test_reliability_has_a_point_for_each_bin() -> None:
    bins = (CalibrationBin(0.5, 0.4, 0.3, 0.55, 40), CalibrationBin(0.9, 0.8, 0.7, 0.85, 41))
    number = Interval(0.1, 0.0, 0.2)
    fit = TemperatureFit(1.0, "", np.empty((0, 2)))
    diagonal, points = reliability_figure(Calibration(bins, number, 0.01, number, fit, number)).data
    assert (diagonal.x, diagonal.y) == ((0.3, 1.0), (0.3, 1.0))  # from the lowest end of an interval
    assert (points.x, points.y, points.text) == ((0.5, 0.9), (0.4, 0.8), ("40 examples", "41 examples"))
    assert points.error_y.array == pytest.approx((0.15, 0.05))
    assert points.error_y.arrayminus == pytest.approx((0.1, 0.1))


def test_the_ten_scores_farthest_from_the_line_are_marked() -> None:
    gold = np.linspace(0, 5, 40)
    predicted = 0.5 * gold + 1.0
    predicted[::8] += np.array([3, -3, 3, -3, 3])
    runs, fit = runs_of(gold, predicted), fit_line(predicted, gold)
    examples, outliers, line, diagonal = score_figure(runs, fit).data
    assert (len(examples.x), len(outliers.x)) == (30, 10)
    assert set(gold[::8]) <= set(outliers.x)
    assert line.y == pytest.approx([fit.intercept, fit.intercept + 5 * fit.slope])
    assert (diagonal.x, diagonal.y) == ((0.0, 5.0), (0.0, 5.0))


def test_at_most_a_thousand_other_scores_are_drawn() -> None:
    gold = np.linspace(0, 5, 1500)
    predicted = gold + np.sin(gold)
    examples, outliers, *_ = score_figure(runs_of(gold, predicted), fit_line(predicted, gold)).data
    assert (len(set(examples.x)), len(outliers.x)) == (1000, 10)
    assert not set(examples.x) & set(outliers.x)


def test_sentences_over_a_point_are_escaped_and_cut() -> None:
    gold = np.array([0.0, 1.0])
    (outliers,) = (
        trace
        for trace in score_figure(runs_of(gold, gold, '<b>"x"</b>\n' + "y" * 90), fit_line(gold, gold)).data
        if trace.name == "farthest from the fit"
    )
    first, second = outliers.text[0].split("<br>")
    assert first.startswith('&lt;b&gt;"x"&lt;/b&gt; yyy')
    assert first.endswith("y…")
    assert len(first.replace("&lt;", "<").replace("&gt;", ">")) == 60
    assert second == "number 0"


def test_residuals_are_drawn_in_the_middle_of_their_range() -> None:
    ranges = [GoldRange(0.0, 1.0, 12, Interval(0.25, 0.125, 0.5)), GoldRange(3.0, 4.0, 7, Interval(-1.0, -1.5, 0.5))]
    (points,) = residual_figure(ranges).data
    assert (points.x, points.y) == ((0.5, 3.5), (0.25, -1.0))
    assert points.text == ("gold 0 to 1: 12 examples", "gold 3 to 4: 7 examples")
    assert (points.error_y.array, points.error_y.arrayminus) == ((0.25, 1.5), (0.125, 0.5))


def test_quarters_are_named_by_their_range() -> None:
    parts = [
        Quarter(1.0, 4.0, np.zeros(9), Interval(0.25, 0.0, 0.5)),
        Quarter(5.0, 9.0, np.zeros(8), Interval(0.5, 0.25, 0.75)),
    ]
    figure = quarters_figure(parts, "words", "share of errors")
    (points,) = figure.data
    assert points.x == tuple(range_text(one) for one in parts)
    assert (points.y, points.text) == ((0.25, 0.5), ("9 examples", "8 examples"))
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("words", "share of errors")

"""How much better one selection's winner is than another's: by hand, paired, and at its bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from core.statistics import Bags, BagScores, Replayed, expect_difference
from data.metrics import find_metric
from data.task_files import builtin_tasks

SPECS = builtin_tasks()


def test_a_difference_of_two_selections_by_hand() -> None:
    """The first selected runs 0 and 1, the second always its only run; the summands are paired."""
    one = {"sts": BagScores(np.array([0.5, 0.6]), np.zeros((2, 2)), np.array([[0.4, 0.6], [0.6, 0.5]]))}
    other = {"sts": BagScores(np.array([0.3]), np.zeros((2, 1)), np.array([[0.2], [0.3]]))}
    found = expect_difference(
        Replayed(one, np.array([0, 1]), 1), Replayed(other, np.array([0, 0]), 0), {"sts": SPECS["sts"]}, {"sts": 1.0}
    )
    summands = np.array([0.5 + 0.4 - 0.5, 0.6 + 0.5 - 0.55]) - np.array([0.3 + 0.2 - 0.25, 0.3 + 0.3 - 0.25])
    half = stats.t.ppf(0.975, 1) * summands.std(ddof=1) * math.sqrt(1 / (math.e - 1) + 1 / 2)
    task = found.tasks["sts"]
    assert (task.dev, task.expected) == (pytest.approx(0.3), pytest.approx(summands.mean()))
    assert (task.low, task.high) == (pytest.approx(summands.mean() - half), pytest.approx(summands.mean() + half))
    assert found.overall.expected == pytest.approx(summands.mean() / 2)  # a correlation r counts as (1 + r) / 2


def test_examples_that_are_hard_for_both_do_not_widen_a_difference() -> None:
    flags = np.arange(200) % 10 < 7
    predictions = np.stack([~flags, flags], axis=1).astype(np.float32)
    bags = {"para": Bags(200, 1000, np.random.default_rng(0)).scores(SPECS["para"], [predictions], np.ones(200, int))}
    same = Replayed(bags, np.zeros(1000, dtype=int), 0)
    found = expect_difference(same, same, SPECS, {"para": 1.0}).overall
    assert (found.dev, found.expected, found.low, found.high) == (0.0, 0.0, 0.0, 0.0)


def test_the_bounds_of_a_difference() -> None:
    """Of two accuracies it is at most 1, of two correlations at most 2."""
    for task, least, bound in (("para", 0.0, 1.0), ("sts", -1.0, 2.0)):
        best, worst = (
            Replayed(
                {task: BagScores(np.array([a]), np.zeros((2, 1)), np.array([[a], [b]]))}, np.zeros(2, dtype=int), 0
            )
            for a, b in ((1.0, 0.9), (least, least + 0.1))
        )
        found = expect_difference(best, worst, {task: SPECS[task]}, {task: 1.0})
        assert found.tasks[task].high == bound
        assert found.overall.high == 1.0


def test_a_difference_of_errors_is_a_gain_without_an_upper_bound() -> None:
    """Errors of .5 and 2 in score units: the first selection is 1.5 better, and (2 - .5) / 5 on the common scale."""
    spec = SPECS["sts"].model_copy(update={"metric": find_metric("rmse")})
    good, bad = (
        Replayed({"sts": BagScores(np.array([error]), np.zeros((2, 1)), np.full((2, 1), error))}, np.zeros(2, int), 0)
        for error in (0.5, 2.0)
    )
    found = expect_difference(good, bad, {"sts": spec}, {"sts": 1.0})
    assert (found.tasks["sts"].dev, found.tasks["sts"].expected) == (1.5, 1.5)
    assert found.overall.dev == pytest.approx(1.5 / 5)

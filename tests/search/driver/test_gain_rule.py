"""The rule that ends a study, against the expected maxima of known distributions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.driver.gain_rule import gain_of_last_doubling

scores = st.lists(st.floats(0, 1), min_size=2, max_size=8)
trials = st.lists(
    st.tuples(st.integers(1, 9), st.none() | st.integers(0, 1000).map(lambda n: n / 1000)), min_size=1, max_size=30
)


def harmonic(n: int) -> float:
    return sum(1 / k for k in range(1, n + 1))


@pytest.mark.parametrize(
    ("name", "expected_maximum", "allowance"),
    [
        ("exponential", harmonic, 0.02),  # its gain rises towards ln 2: a constant is as good as it gets
        ("uniform", lambda n: n / (n + 1), 0.0),
        ("Gaussian", None, 0.0),
    ],
)
def test_a_doubling_brings_at_most_what_the_one_before_brought(
    name: str, expected_maximum: Callable[[int], float] | None, allowance: float
) -> None:
    """The argument: from 10 scores to 20 and so on, the mean gain falls, or is constant for an exponential tail."""
    if expected_maximum is None:
        draws = np.maximum.accumulate(np.random.default_rng(0).normal(size=(20_000, 160)), axis=1)
        means = [float(draws[:, n - 1].mean()) for n in (10, 20, 40, 80, 160)]
    else:
        means = [expected_maximum(n) for n in (10, 20, 40, 80, 160)]
    gains = np.diff(means)
    assert (gains[1:] <= gains[:-1] * (1 + allowance)).all(), name
    assert gains[-1] < math.log(2)


@given(scores)
def test_the_mean_over_orders_is_that_over_all_ways_to_halve(found: list[float]) -> None:
    """Each trial in either half by the toss of a coin; a first half without any has the worst of them at least."""
    best, worst = max(found), min(found)
    gains = [
        best - max((score for score, in_first in zip(found, coins, strict=True) if in_first), default=worst)
        for coins in itertools.product((False, True), repeat=len(found))
    ]
    falling = [(1.0, score) for score in sorted(found, reverse=True)]  # in fact the second half brought nothing
    assert gain_of_last_doubling(falling) == pytest.approx(fmean(gains), abs=1e-12)


def test_it_expects_of_scores_drawn_alike_what_comes() -> None:
    """The mean of the estimate over many studies is the mean gain; one look at the facts is 0 in half of them."""
    draws = np.random.default_rng(1).exponential(size=(2000, 20))
    falling = [gain_of_last_doubling([(1.0, x) for x in sorted(row, reverse=True)]) for row in draws.tolist()]
    expected = harmonic(20) - harmonic(10)
    assert fmean(falling) == pytest.approx(expected, rel=0.05)
    in_fact = draws.max(axis=1) - draws[:, :10].max(axis=1)
    assert in_fact.mean() == pytest.approx(expected, rel=0.06)
    ended_by_facts = (in_fact < 0.2).mean()
    ended = np.mean([gain_of_last_doubling([(1.0, x) for x in row]) < 0.2 for row in draws.tolist()])
    assert ended_by_facts > 0.5  # although a doubling brings three times as much
    assert ended < 0.1


def test_by_hand() -> None:
    history = [(10, 0.5), (10, 0.7), (10, None), (10, 0.72), (20, 0.73)]
    # Half of 60 is spent after the third trial: in fact .73 - .70; over the orders .01/2 + .02/4 + .2/8 = .035.
    assert gain_of_last_doubling(history) == pytest.approx(0.035)
    assert gain_of_last_doubling(history[1:]) == pytest.approx(0.03)  # in fact: .70 after 20 of 50; .01/2 + .02/4
    assert gain_of_last_doubling(history) >= 0.035 - 1e-9
    assert gain_of_last_doubling(history) < 0.035 + 1e-9


def test_a_trial_in_the_middle_of_the_cost_belongs_to_the_second_half() -> None:
    assert gain_of_last_doubling([(10, 0.5), (15, 0.7), (20, 0.6)]) == pytest.approx(0.2)


@pytest.mark.parametrize("history", [[], [(10, None)] * 30, [(10, 0.5)], [(10, None), (10, 0.5), (10, 0.5)]])
def test_too_little_is_known(history: list[tuple[float, float | None]]) -> None:
    assert gain_of_last_doubling(history) == math.inf


@given(trials, st.integers(1, 50), st.floats(-1, 1))
def test_neither_units_nor_free_trials_matter(history: list[tuple[int, float | None]], unit: int, shift: float) -> None:
    gain = gain_of_last_doubling(history)
    moved = [(cost * unit, None if score is None else score + shift) for cost, score in history]
    assert gain_of_last_doubling(moved) == pytest.approx(gain, abs=1e-9)
    repeats = [entry for cost, score in history for entry in ((cost, score), (0, score))]
    assert gain_of_last_doubling(repeats) == gain


def test_equal_scores_are_no_gain() -> None:
    assert gain_of_last_doubling([(10, 0.8)] * 20) < 1e-9

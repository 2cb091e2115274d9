"""Errors over the length of examples and over the words of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from search.analysis.mistakes.quantile_slices import (
    difference,
    properties,
    quarters,
    quarters_sentence,
    word_counts,
    word_overlap,
)


def test_words_are_counted() -> None:
    assert word_counts([("a b  c", "d"), ("one", "two three")]).tolist() == [4, 3]
    assert word_overlap([("The dog runs", "the DOG sleeps"), ("a", "b"), ("x y", "y x")]) == pytest.approx([0.5, 0, 1])
    assert [one.name for one in properties([("a b",)])] == ["length"]
    assert [one.name for one in properties([("a b", "b")])] == ["length", "words in common"]


def test_quarters_and_their_intervals() -> None:
    values = np.arange(1, 101)
    wrong = (values > 70).astype(float)
    parts = quarters(values, wrong)
    assert [(one.low, one.high, len(one.errors)) for one in parts] == [
        (1, 25, 25), (26, 50, 25), (51, 75, 25), (76, 100, 25)
    ]  # fmt: skip
    assert [one.error.value for one in parts] == pytest.approx([0, 0, 0.2, 1.0])
    wilson = stats.binomtest(5, 25).proportion_ci(method="wilson")
    assert (parts[2].error.low, parts[2].error.high) == pytest.approx((wilson.low, wilson.high))
    distances = np.random.default_rng(0).gamma(2.0, size=100)
    part = quarters(values, distances)[1]
    student = stats.t.interval(0.95, 24, part.errors.mean(), stats.sem(part.errors))
    assert (part.error.low, part.error.high) == pytest.approx(student)


def test_examples_of_one_value_stay_together() -> None:
    values = np.array([1] * 6 + [2] * 3 + [9])
    parts = quarters(values, np.zeros(10))
    assert [(one.low, one.high) for one in parts] == [(1, 1), (2, 2), (9, 9)]
    assert len(quarters(np.full(10, 7), np.ones(10))) == 1


@pytest.mark.filterwarnings("error")
def test_the_difference_is_welchs() -> None:
    rng = np.random.default_rng(0)
    values, errors = rng.integers(1, 40, 300), rng.gamma(2.0, size=300)
    first, *_, last = quarters(values, errors)
    found = difference(last, first)
    welch = stats.ttest_ind(last.errors, first.errors, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((welch.low, welch.high))
    equal = quarters(np.arange(8), np.zeros(8))
    assert difference(equal[-1], equal[0]).high == 0.0


def test_the_text_compares_the_errors_of_long_and_short_examples() -> None:
    (length,) = properties([(" ".join("x" * count),) for count in range(1, 101)])
    wrong = (length.values % 10 < np.where(length.values > 50, 8, 2)).astype(float)
    words = quarters_sentence(quarters(length.values, wrong), length, is_rate=True)
    assert words.startswith(
        "Error rate: 76 % for the longest examples (76 to 100 words), 20 % for the shortest (1 to 25); "
    )
    assert "clearly more (95 % interval of the difference +" in words
    even = (length.values % 2).astype(float)
    assert "this may be chance" in quarters_sentence(quarters(length.values, even), length, is_rate=True)
    distance = quarters_sentence(quarters(length.values, 0.01 * length.values), length, is_rate=False)
    assert distance.startswith("Mean distance from the line: 0.88 for the longest examples (76 to 100 words), ")

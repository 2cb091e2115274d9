"""Ranges of numbers: their values, steps and mistakes, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.config import RunConfig
from search.parsing.errors import StudyFileError
from search.space.entry import SpaceEntry
from search.space.random_draws import RandomDraws
from search.space.ranges import FloatRange, IntRange, Range
from tests.search.space.made_spaces import base

PATH = "optim.learning_rate"


def read(table: dict[str, Any], path: str = PATH, run: RunConfig | None = None) -> Range:
    return Range.parse(SpaceEntry(path, table, run or base(), ("low", "high", "log", "step", "when")))


@given(st.integers(-5, 5), st.integers(1, 30), st.integers(1, 4), st.integers(-40, 140))
def test_whole_numbers_in_steps(low: int, count: int, step: int, value: int) -> None:
    found = IntRange(low, low + count * step, step=step)
    assert found.listed() == [low + k * step for k in range(count + 1)]
    assert found.contains(value) == (value in range(low, low + count * step + 1, step))
    assert not found.contains(float(value))
    assert not found.contains(True)


@given(st.integers(-20, 20), st.sampled_from([0.1, 0.25, 1 / 3, 2.0]), st.integers(1, 30), st.floats(-3, 60))
def test_numbers_in_steps(start: int, step: float, count: int, other: float) -> None:
    """Sums of steps are rounded: 3 * 0.1 is more than 0.3."""
    low, high = start * step, (start + count) * step
    found = FloatRange(low, high, step=step)
    listed = found.listed()
    assert listed == pytest.approx([low + k * step for k in range(count + 1)])
    assert all(low <= value <= high and found.contains(value) for value in listed or ())
    steps = (other - low) / step
    assume(abs(steps - round(steps)) > 1e-6)
    assert not found.contains(other)


def test_what_a_range_contains() -> None:
    assert [FloatRange(0.1, 0.5).contains(value) for value in (0.1, 0.5, 0.09, 0.51, 1, None)] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert FloatRange(0.1, 0.5).listed() is None
    assert IntRange(1, 1001).listed() is None
    assert IntRange(1, 1000).listed() == list(range(1, 1001))


@pytest.mark.parametrize(
    ("found", "text", "table"),
    [
        (FloatRange(1e-5, 1e-3, log=True), "1e-05 .. 0.001 log", {"low": 1e-5, "high": 1e-3, "log": True}),
        (FloatRange(0.0, 1.0, step=0.25), "0 .. 1 step 0.25", {"low": 0.0, "high": 1.0, "step": 0.25}),
        (IntRange(1, 9, step=2), "1 .. 9 step 2", {"low": 1, "high": 9, "step": 2}),
        (IntRange(1, 9), "1 .. 9", {"low": 1, "high": 9}),
    ],
)
def test_description_and_table(found: Range, text: str, table: dict[str, Any]) -> None:
    assert found.describe() == text
    assert found.to_json() == table
    path = PATH if isinstance(found, FloatRange) else "heads.sst.layers"
    assert read(table, path) == found


@given(st.integers(0, 2**32 - 1))
def test_draws_lie_in_the_range(seed: int) -> None:
    for one in (FloatRange(1e-5, 1e-3, log=True), FloatRange(0.0, 0.3, step=0.1), IntRange(2, 12, step=5)):
        assert one.contains(one.suggest(RandomDraws(np.random.default_rng(seed)), "x"))


def test_numbers_are_the_place_between_the_ends_on_the_scale_of_the_range() -> None:
    even = FloatRange(2.0, 4.0).numbers([2.0, 3.0, 4.0, None])
    assert (even.kind, even.is_log, even.columns[:, 0].tolist()) == ("number", False, [0.0, 0.5, 1.0, 0.0])
    assert even.unset is not None
    assert even.unset.tolist() == [False, False, False, True]
    log = FloatRange(1e-5, 1e-3, log=True).numbers([1e-5, 1e-4, 1e-3])
    assert (log.kind, log.is_log) == ("number", True)
    assert log.columns[:, 0] == pytest.approx([0.0, 0.5, 1.0])


def test_few_steps_are_shown_as_choices() -> None:
    kinds = [one.numbers([1]).kind for one in (IntRange(1, 8), IntRange(1, 9), IntRange(1, 8, log=True))]
    assert kinds == ["choice", "number", "number"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"low": 1e-5}, "needs high; give low and high, or choices"),
        ({"high": 1e-5}, "needs low; give low and high, or choices"),
        ({"low": 0.2, "high": 0.1}, "low: must be below high = 0.1, got 0.2"),
        ({"low": 0.0, "high": 0.1, "log": True}, "low: must be above 0 with log = true, got 0"),
        ({"low": 0.0, "high": float("inf")}, "high: must be a finite number, got inf"),
        ({"low": 0.0, "high": 0.5, "step": -0.1}, "step: must be above 0, got -0.1"),
        ({"low": 0.1, "high": 0.5, "step": 0.1, "log": True}, "step: cannot be combined with log = true, got 0.1"),
        (
            {"low": 0.0, "high": 0.5, "step": 0.2},
            "step: 0.2 does not divide the range from low = 0 to high = 0.5; the nearest values are 0.4 and 0.6",
        ),
        (
            {"low": 0.0, "high": 0.5, "step": 2.0},
            "step: 2 does not divide the range from low = 0 to high = 0.5; the nearest values are 0 and 2",
        ),
    ],
)
def test_mistakes(table: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        read(table)
    separator = "." if message.split(":")[0] in table else ": "
    assert str(caught.value) == f'space."{PATH}"{separator}{message}'


def test_a_setting_that_is_not_a_number() -> None:
    with pytest.raises(StudyFileError, match=r"this setting is not a number; give choices = .*, for example .*cross"):
        read({"low": 1, "high": 2}, "heads.sts.pair")


def test_both_ends_are_tried_before_a_study() -> None:
    assert FloatRange(0.0, 1.0).probes("x") == ((("space", "x", "low"), 0.0), (("space", "x", "high"), 1.0))


def test_narrowing_keeps_the_neighbours_of_whole_numbers() -> None:
    run = base(heads={"sst": {"layers": 3}})
    assert IntRange(1, 5).narrowed(run, "heads.sst.layers", ()) == IntRange(2, 4)
    assert FloatRange(0.0, 1.0).narrowed(base(optim={"learning_rate": 0.5}), PATH, ()) == FloatRange(0.375, 0.625)

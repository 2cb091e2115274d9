"""Virtual epochs, and the positions of turns within an update."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.run.progress import Progress


def test_virtual_epochs_divide_the_planned_examples() -> None:
    """Epochs may not divide evenly: 10 examples in 4 epochs change at 2.5, 5 and 7.5."""
    assert [Progress(0, seen, 10, 4).epoch for seen in range(12)] == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3]
    assert [Progress(0, seen, 10, 4).fraction for seen in (0, 5, 10, 13)] == [0.0, 0.5, 1.0, 1.0]


@given(st.integers(0, 10**9), st.integers(1, 10**8), st.integers(1, 1_000))
def test_epochs_rise_from_none_to_the_last(examples: int, planned: int, epochs: int) -> None:
    here, next_ = (Progress(0, seen, planned, epochs).epoch for seen in (examples, examples + 1))
    assert 0 <= here <= next_ <= epochs - 1
    assert Progress(0, planned, planned, epochs).epoch == epochs - 1
    assert Progress(0, 0, planned, epochs).epoch == 0


def test_an_update_counts_one_step_and_all_its_examples() -> None:
    assert Progress(3, 50, 100, 2).after(32) == Progress(4, 82, 100, 2)


@given(st.integers(1, 8), st.integers(0, 5))
def test_turns_are_numbered_without_gaps_over_updates(turns: int, begin: int) -> None:
    """Catches turns that all have the step's number: a random order would give one task to the whole update."""
    seen = [Progress(step, 0, 10, 1).at_turn(turn, turns, 0).step for step in range(begin, 9) for turn in range(turns)]
    assert seen == list(range(begin * turns, 9 * turns))


@pytest.mark.parametrize("turn", [0, 2])
def test_a_turn_has_seen_the_examples_of_those_before_it(turn: int) -> None:
    assert Progress(5, 40, 100, 4).at_turn(turn, 3, 7) == Progress(15 + turn, 47, 100, 4)

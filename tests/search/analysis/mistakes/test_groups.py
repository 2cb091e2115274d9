"""Cells of a column become groups: small ones are joined, many numbers are cut into quarters."""

from __future__ import annotations

import numpy as np
import pytest

from search.analysis.mistakes.groups import EMPTY, Group, groups_of


def sizes(groups: list[Group]) -> list[tuple[str, int, int]]:
    return [(one.name, len(one.places), one.joined) for one in groups]


def test_the_largest_group_is_first_and_small_ones_are_joined() -> None:
    cells = ["news"] * 30 + [" forum "] * 50 + ["a"] * 19 + ["b"] * 3 + ["", "  "] * 10
    groups = groups_of(cells)
    assert sizes(groups) == [("forum", 50, 1), ("news", 30, 1), (EMPTY, 20, 1), ("other", 22, 2)]
    assert sorted(np.concatenate([one.places for one in groups]).tolist()) == list(range(len(cells)))
    assert groups[1].places.tolist() == list(range(30))
    assert groups[3].places.tolist() == list(range(80, 102))


def test_a_column_of_small_groups_is_one_group() -> None:
    assert sizes(groups_of([str(one) + "x" for one in range(100)])) == [("other", 100, 100)]


def test_a_group_that_is_called_like_ours_is_none_of_ours() -> None:
    assert sizes(groups_of(["other"] * 20 + ["x", "y"])) == [("other", 20, 1), ("other", 2, 2)]


def test_a_single_small_group_keeps_its_name() -> None:
    assert sizes(groups_of(["x"] * 2 + ["y"] * 20)) == [("y", 20, 1), ("x", 2, 1)]


def test_few_numbers_are_groups_and_many_are_cut_into_quarters() -> None:
    assert sizes(groups_of(["1"] * 20 + ["2.0"] * 40)) == [("2.0", 40, 1), ("1", 20, 1)]
    values = list(range(100))
    groups = groups_of([str(value / 4) for value in values] + ["", "nan", "NA"])
    assert [(one.name, len(one.places)) for one in groups] == [
        ("0 to 6", 25),
        ("6.25 to 12.25", 25),
        ("12.5 to 18.5", 25),
        ("18.75 to 24.75", 25),
        (EMPTY, 3),
    ]
    assert groups[4].places.tolist() == [100, 101, 102]


@pytest.mark.parametrize("odd", ["unknown", "inf"])
def test_a_column_with_a_cell_that_is_no_number_has_no_quarters(odd: str) -> None:
    groups = groups_of([*map(str, range(40)), odd])
    assert sizes(groups) == [("other", 41, 41)]

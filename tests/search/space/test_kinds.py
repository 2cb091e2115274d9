"""Which kind of values a table of a study file is about."""

from __future__ import annotations

from typing import Any

import pytest

from search.parsing.errors import StudyFileError
from search.space.choices import Choices, OneValue
from search.space.distribution import Distribution
from search.space.kinds import KINDS, kind_of, parse_distribution
from search.space.ranges import FloatRange, IntRange
from search.space.simplex import Simplex
from search.space.variants import Variants
from tests.search.space.made_spaces import base

RATE, LAYERS = "optim.learning_rate", "heads.sst.layers"


@pytest.mark.parametrize(
    ("path", "table", "kind"),
    [
        ("loss.weights", {"simplex": True}, Simplex),
        ("loss.weights", {}, Simplex),  # whatever is in its table, shares are what it can be
        (RATE, {"choices": [1, 2]}, Choices),
        (RATE, {"value": 3, "when": {}}, OneValue),
        ("variant", {"variants": {}}, Variants),
        (RATE, {"low": 1, "high": 2}, FloatRange),
        (RATE, {"hgih": 2}, FloatRange),
    ],
)
def test_the_key_decides(path: str, table: dict[str, Any], kind: type[Distribution]) -> None:
    assert kind_of(path, table) is kind


def test_no_two_kinds_have_the_same_first_key() -> None:
    assert len({kind.keys[0] for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("path", "table", "expected"),
    [
        (RATE, {"low": 1e-5, "high": 1e-3, "log": True}, FloatRange(1e-5, 1e-3, log=True)),
        (LAYERS, {"low": 1, "high": 3}, IntRange(1, 3)),
        (RATE, {"choices": [1e-3, 1e-4]}, Choices((1e-3, 1e-4))),
    ],
)
def test_the_field_of_the_run_decides_between_numbers(path: str, table: dict[str, Any], expected: Distribution) -> None:
    found = parse_distribution(path, table, base())
    assert found == expected
    assert parse_distribution(path, found.to_json(), base()) == found


def test_a_key_of_another_kind_is_known_and_cannot_be_combined() -> None:
    with pytest.raises(StudyFileError) as caught:
        parse_distribution(RATE, {"choices": [1e-3, 1e-4], "low": 1e-5}, base())
    assert str(caught.value) == 'space."optim.learning_rate".low: cannot be combined with choices'

"""Errors name a key as TOML writes it, and suggest the nearest known word."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UserError
from search.parsing.errors import StudyFileError, name_hint, spell_key


def test_an_error_begins_with_its_key() -> None:
    error = StudyFileError(("space", "optim.learning_rate", "low"), "must be above 0, got 0")
    assert str(error) == 'space."optim.learning_rate".low: must be above 0, got 0'
    assert (error.key, error.what) == (("space", "optim.learning_rate", "low"), "must be above 0, got 0")
    assert isinstance(error, UserError)
    assert str(StudyFileError((), "needs at least one task")) == "needs at least one task"


@given(st.lists(st.text("ab1_-. ü", min_size=1, max_size=6), min_size=1, max_size=4))
def test_a_spelled_key_can_be_written_into_a_file(key: list[str]) -> None:
    table: object = tomllib.loads(f"{spell_key(key)} = 5")
    for part in key:
        assert isinstance(table, dict)
        (name, table), *more = table.items()
        assert (name, more) == (part, [])
    assert table == 5


SETTINGS = ["optim.learning_rate", "optim.weight_decay", "eval.rungs", "seed"]


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("optim.learning_rat", "optim.learning_rate"),
        ("learning_rate", "optim.learning_rate"),  # the last part of a path
        ("model.learning_rate", "optim.learning_rate"),
        ("sead", "seed"),
        ("rungs", "eval.rungs"),
        ("optim.lr", "optim.learning_rate"),  # initials
        ("lr", "optim.learning_rate"),
        ("wd", "optim.weight_decay"),
    ],
)
def test_the_nearest_word_is_suggested(word: str, nearest: str) -> None:
    assert name_hint(word, SETTINGS) == f"; did you mean '{nearest}'?"


def test_nothing_is_suggested_where_no_word_is_near() -> None:
    assert name_hint("xyzzy", SETTINGS) == ""
    assert name_hint("seed", []) == ""
    assert name_hint("sead", iter(SETTINGS)) == "; did you mean 'seed'?"


def test_a_quoted_value_does_not_break_the_line() -> None:
    error = StudyFileError(("preset", "a\nb"), "no preset 'x\ny\x1b[31m\u2028'")
    assert str(error) == "preset.\"a\\nb\": no preset 'x\\ny\\x1b[31m\\u2028'"
    assert error.key == ("preset", "a\nb")  # as in the file, to find its line

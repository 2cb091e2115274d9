"""TOML that people have written: mistakes are named with their place, and nothing deep or odd raises anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UserError
from data.toml_text import parse_toml, toml_string


def test_a_table() -> None:
    assert parse_toml("a = [[1], { b = 2 }]", "x.toml") == {"a": [[1], {"b": 2}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = = 3", "x.toml:2: not TOML: Invalid value (column 5)"),
        ("a = [1", "x.toml:1: not TOML: Unclosed array (at end of document)"),
        ("a = " + "9" * 5000, "x.toml:1: not TOML: Exceeds the limit (4300 digits) for integer string conversion: "),
        ("a = 2023-02-30", "x.toml:1: not TOML: Invalid date or datetime (column 5)"),
        ("a = " + "[" * 3000, "x.toml: tables and lists are nested more than 50 deep"),
        ("a = " + "[" * 60 + "]" * 60, "x.toml: tables and lists are nested more than 50 deep"),
        ("a" + ".a" * 5000 + " = 1", "x.toml: tables and lists are nested more than 50 deep"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_toml(text, "x.toml")
    assert str(caught.value).startswith(message)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_string_is_read_back(text: str) -> None:
    written = toml_string(text)
    assert "\n" not in written
    assert parse_toml(f"a = {written}", "x.toml") == {"a": text}

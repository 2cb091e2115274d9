"""Text that is quoted in messages stays in its line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from data.errors import escaped


def test_control_characters_are_escaped() -> None:
    assert escaped("größe\t\x1b[31m\r\n\x85\u2028 '\\n'") == "größe\\t\\x1b[31m\\r\\n\\x85\\u2028 '\\n'"


@given(st.text())
def test_it_is_one_line(text: str) -> None:
    assert len(escaped(text).splitlines()) <= 1

"""Text that is quoted in messages stays in its line; near names are suggested."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from data.errors import did_you_mean, escaped


def test_control_characters_are_escaped() -> None:
    assert escaped("größe\t\x1b[31m\r\n\x85\u2028 '\\n'") == "größe\\t\\x1b[31m\\r\\n\\x85\\u2028 '\\n'"


@given(st.text())
def test_it_is_one_line(text: str) -> None:
    assert len(escaped(text).splitlines()) <= 1


def test_the_nearest_word_is_suggested() -> None:
    assert did_you_mean("acuracy", ["f1", "accuracy", "accurate"]) == "; did you mean 'accuracy'?"
    assert did_you_mean("acuracy", iter(["f1"])) == did_you_mean("acuracy", []) == ""
    assert did_you_mean("acuracy", ["f1"], cutoff=0.0) == "; did you mean 'f1'?"


def test_words_are_compared_as_they_are_written_unless_a_rule_is_given() -> None:
    assert did_you_mean("LABEL", [" label"]) == ""
    assert (
        did_you_mean("LABEL", [" Label"], compared_as=lambda word: word.strip().lower()) == "; did you mean ' Label'?"
    )

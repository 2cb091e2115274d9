"""What is odd about a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.audit.odd_texts import oddities, script_of, usual_scripts

ODD = {
    "": "no text",
    " \u200b\t": "no text",
    "a \ufffd b": "replacement character",
    "caf\u00c3\u00a9": "mojibake",
    "it\u00e2\u20ac\u2122s": "mojibake",
    "one<br />two": "HTML",
    "fish &amp; chips &#39;": "HTML",
    "\u043f\u0440\u0438\u0432\u0435\u0442": "other script",
}
PLAIN = [
    "AT&T; or <3 you",
    "a < b > c",
    "R&D",
    "caf\u00e9",
    "\u00c3 vs \u00a9",
    "S\u00c3O PAULO",
    "...",
    "2 < 3 && 4 > 1",
]


@pytest.mark.parametrize(("text", "reason"), ODD.items())
def test_odd_texts(text: str, reason: str) -> None:
    assert [str(one) for one, _ in oddities(text, {"LATIN"})] == [reason]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_texts(text: str) -> None:
    assert list(oddities(text, {"LATIN"})) == []


@given(st.text(alphabet="\u00e9\u00e4\u00fc\u00f1\u20ac\u2019\u201c\u00a7", min_size=1))
def test_text_that_was_read_in_a_wrong_encoding_is_found(text: str) -> None:
    # Windows-1252 has no character for five bytes; editors show the control character of the number.
    broken = "".join(bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in text.encode())
    assert "mojibake" in [str(reason) for reason, _ in oddities(f"read {broken}", {"LATIN"})]
    assert list(oddities("a plain text", {"LATIN"})) == []


def test_the_detail_says_what_was_meant() -> None:
    assert dict(oddities("caf\u00c3\u00a9", {"LATIN"})) == {"mojibake": "'\u00c3\u00a9' is probably '\u00e9'"}


def test_scripts() -> None:
    assert [script_of(text) for text in ("abc", "12 !", "\u03b1\u03b2 x", "\u3042\u6f22\u30a2")] == [
        "LATIN",
        None,
        "GREEK",
        "CJK",
    ]
    mixed = ["latin"] * 90 + ["\u03b1"] * 10
    assert usual_scripts(mixed) == {"LATIN", "GREEK"}
    assert usual_scripts(["latin"] * 97 + ["\u03b1"] * 3) == {"LATIN"}

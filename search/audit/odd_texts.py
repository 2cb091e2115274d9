"""What is odd about a single text: nothing to read, a broken encoding, markup, another script."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from data.errors import escaped
from data.row_reader import has_text
from search.audit.findings import Reason

__all__ = ["oddities", "script_of", "usual_scripts"]


_USUAL = 0.05  # texts: a script of so many is part of the data
_REPLACEMENT = "\ufffd"
_MARKUP = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>|&(?:[A-Za-z]{2,8}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
# UTF-8 that was read as Windows-1252: a leading byte, then continuation bytes as that code page shows them.
_CONTINUATION = "".join(
    sorted({bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(0x80, 0xC0)})
)
_MISREAD = re.compile(f"[\u00c2-\u00f4][{re.escape(_CONTINUATION)}\u0080-\u00bf]{{1,3}}")
_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "FULLWIDTH": "LATIN", "HALFWIDTH": "CJK"}


def oddities(sentence: str, usual: Iterable[str]) -> Iterator[tuple[Reason, str]]:
    """Yield what is odd about a sentence: the reason and the detail.

    Args:
        sentence: as in the file.
        usual: scripts that are usual in the data; none of them is odd.
    """
    if not has_text(sentence):
        yield Reason.NO_TEXT, "empty" if not sentence else "white space or invisible characters only"
        return
    if _REPLACEMENT in sentence:
        yield (
            Reason.REPLACED,
            f"U+FFFD, {sentence.count(_REPLACEMENT)} times: the text was decoded with a wrong encoding",
        )
    if ("<" in sentence or "&" in sentence) and (found := _MARKUP.search(sentence)):
        yield Reason.HTML, escaped(found[0][:40])
    if sentence.isascii():
        return
    for found in _MISREAD.finditer(sentence):
        if (meant := _decoded(found[0])) is not None:
            yield Reason.MOJIBAKE, f"'{escaped(found[0])}' is probably '{escaped(meant)}'"
            break
    script = script_of(sentence)
    if script is not None and script not in usual:
        yield Reason.FOREIGN, script if script == "CJK" else script.capitalize()


def usual_scripts(sentences: Iterable[str]) -> set[str]:
    """Return the scripts in which at least 5 % of the sentences are mostly written."""
    counts = Counter(script for sentence in sentences if (script := script_of(sentence)) is not None)
    return {script for script, count in counts.items() if count >= _USUAL * counts.total()}


def script_of(sentence: str) -> str | None:
    """Return the script of most letters, such as ``LATIN`` or ``CYRILLIC``; None without letters.

    The scripts that Japanese mixes count as one.
    """
    if sentence.isascii():
        return "LATIN" if any(map(str.isalpha, sentence)) else None
    counts = Counter(_script(letter) for letter in sentence if letter.isalpha())
    return counts.most_common(1)[0][0] if counts else None


@cache
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "UNNAMED").split()[0]
    return _ONE_SCRIPT.get(name, name)


def _decoded(text: str) -> str | None:
    """Return text that was decoded as Windows-1252 as UTF-8; None if it is none."""
    try:
        raw = b"".join(bytes([ord(one)]) if 0x80 <= ord(one) <= 0x9F else one.encode("cp1252") for one in text)
        meant = raw.decode("utf-8")
    except UnicodeError:
        return None
    return meant if meant.isprintable() or meant == "\u00a0" else None

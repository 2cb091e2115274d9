"""Find proper nouns and numbers of an English sentence by their spelling."""

from __future__ import annotations

import re
from itertools import pairwise

__all__ = ["kept_words", "words_of"]

_WORD = re.compile(r"[^\W_]+")
_TREEBANK_BRACKET = re.compile(r"-[LR][RCS]B-")  # -LRB- is a bracket in the treebank's text
_ABBREVIATION = 3  # maximum letters of a capitalised word whose full stop does not end a sentence: Mr. Dr. St. J. Jr.
_HEADLINE = 5  # minimum words, all capitalised, of a headline


def words_of(sentence: str) -> list[str]:
    """Return the runs of letters and digits of a sentence, casefolded, without punctuation."""
    return [word.casefold() for word in _WORD.findall(_TREEBANK_BRACKET.sub(" ", sentence))]


def kept_words(sentence: str) -> set[str]:
    """Return the words that a rewritten sentence must keep, in the form of :func:`words_of`.

    These are words with a digit, and capitalised words other than "I" that do not begin a sentence. A capitalised word
    that begins a sentence may or may not be a name, so it need not be kept. In a headline, where all words are
    capitalised, only numbers must be kept.
    """
    text = _TREEBANK_BRACKET.sub(" ", sentence)
    words = list(_WORD.finditer(text))
    letters = [word[0] for word in words if word[0][0].isalpha()]
    headline = len(letters) >= _HEADLINE and all(word[0].isupper() for word in letters)
    kept = {word[0] for word in words if any(character.isdigit() for character in word[0])}
    if not headline:
        inner = pairwise(words)
        kept |= {word[0] for before, word in inner if word[0][0].isupper() and not _ends(before, text, word.start())}
    return {word.casefold() for word in kept - {"I"}}


def _ends(word: re.Match[str], text: str, following: int) -> bool:
    """Return whether a sentence ends between a word and the one that begins at ``following``."""
    gap = text[word.end() : following]
    if "!" in gap or "?" in gap:
        return True
    abbreviated = gap.startswith(".") and word[0][0].isupper() and len(word[0]) <= _ABBREVIATION
    return "." in (gap[1:] if abbreviated else gap)

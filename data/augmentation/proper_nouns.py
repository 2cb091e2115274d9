"""Proper nouns and numbers of an English sentence, told by their spelling."""

from __future__ import annotations

import re
from itertools import pairwise

__all__ = ["kept_words", "words_of"]

_WORD = re.compile(r"[^\W_]+")
_TREEBANK_BRACKET = re.compile(r"-[LR][RCS]B-")  # -LRB- stands for a bracket in the treebank's text
_ABBREVIATION = 3  # letters of a capitalised word whose full stop ends no sentence: Mr. Dr. St. J. R. Jr.
_HEADLINE = 5  # words, all capitalised, from which on a sentence is a headline and not a name


def words_of(sentence: str) -> list[str]:
    """Runs of letters and digits, casefolded: what is left of a sentence without spelling of case and punctuation."""
    return [word.casefold() for word in _WORD.findall(_TREEBANK_BRACKET.sub(" ", sentence))]


def kept_words(sentence: str) -> set[str]:
    """The words that a rewritten sentence must still have, as :func:`words_of` gives them.

    These are words with a digit, and capitalised words that do not begin a sentence; not "I". A capitalised word that
    begins a sentence may be a name or not, so it may go. In a headline all words are capitalised: only its numbers are
    kept.
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
    """Whether a sentence ends between a word and the one that begins at ``following``."""
    gap = text[word.end() : following]
    if "!" in gap or "?" in gap:
        return True
    abbreviated = gap.startswith(".") and word[0][0].isupper() and len(word[0]) <= _ABBREVIATION
    return "." in (gap[1:] if abbreviated else gap)

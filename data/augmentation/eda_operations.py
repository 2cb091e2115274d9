"""Apply EDA's four operations to a sentence (Wei & Zou 2019, arXiv:1901.11196, section 2).

Each operation takes the words, the number n of changes to make, a thesaurus and a random generator, and returns new
words. None touches a fixed word (see :mod:`data.augmentation.protected_words`). Where nothing can be changed, the words
are returned unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np

from data.augmentation.protected_words import Word, is_negation

__all__ = ["OPERATIONS", "Operation", "Thesaurus", "delete_words", "insert_synonyms", "replace_synonyms", "swap_words"]

Operation = Literal["synonym", "insertion", "swap", "deletion"]


class Thesaurus(Protocol):
    """A source of synonyms."""

    def synonyms(self, word: str) -> tuple[str, ...]:
        """Return words, or several words separated by spaces, that may replace this one, always in the same order."""
        ...


def replace_synonyms(words: list[Word], n: int, thesaurus: Thesaurus, rng: np.random.Generator) -> list[Word]:
    """Replace n different words, no stop words, by a synonym everywhere in the sentence (synonym replacement)."""
    chosen: dict[str, str] = {}
    candidates = _different([word for word in words if word.replaceable])
    for index in rng.permutation(len(candidates)):
        if len(chosen) == n:
            break
        options = _synonyms(thesaurus, candidates[index])
        if options:
            chosen[candidates[index]] = options[rng.integers(len(options))]
    return [
        Word(chosen[key], word.before, word.after, fixed=word.fixed, bound=word.bound)
        if word.replaceable and (key := word.core.casefold()) in chosen
        else word
        for word in words
    ]


def insert_synonyms(words: list[Word], n: int, thesaurus: Thesaurus, rng: np.random.Generator) -> list[Word]:
    """Insert a synonym of a random word other than a stop word at a random place, n times (random insertion).

    Nothing is inserted between bound words, such as a negation and its word, or after the final punctuation. Synonyms
    of negated words are not used: "not funny" with "amusing" elsewhere would mean the opposite.
    """
    lenders = _different([word for word in words if word.replaceable and not word.fixed])
    options = [options for word in lenders if (options := _synonyms(thesaurus, word))]
    result = list(words)
    for _ in range(n if options else 0):
        of_word = options[rng.integers(len(options))]
        inserted = Word(of_word[rng.integers(len(of_word))])
        # Never empty, because a word whose synonyms are used is not bound.
        places = [place for place, word in enumerate(result) if not word.bound]
        result.insert(places[rng.integers(len(places))], inserted)
    return result


def swap_words(words: list[Word], n: int, thesaurus: Thesaurus, rng: np.random.Generator) -> list[Word]:  # noqa: ARG001
    """Swap two random words n times (random swap); punctuation stays in place."""
    result = list(words)
    movable = [place for place, word in enumerate(words) if not word.fixed]
    for _ in range(n if len(movable) > 1 else 0):
        a, b = (movable[index] for index in rng.choice(len(movable), size=2, replace=False))
        result[a], result[b] = _with_core(result[a], result[b]), _with_core(result[b], result[a])
    return result


def delete_words(words: list[Word], n: int, thesaurus: Thesaurus, rng: np.random.Generator) -> list[Word]:  # noqa: ARG001
    """Delete n random words, but never the last remaining one (random deletion); punctuation stays.

    The paper deletes each word with probability alpha, which gives the same number on average, but often none.
    """
    deletable = [place for place, word in enumerate(words) if not word.fixed]
    count = min(n, len(deletable), sum(bool(word.core) for word in words) - 1)
    if count < 1:
        return list(words)
    gone = {deletable[index] for index in rng.choice(len(deletable), size=count, replace=False)}
    kept = [Word("", word.before, word.after) if place in gone else word for place, word in enumerate(words)]
    return [word for word in kept if word.text]


OPERATIONS: dict[Operation, Callable[[list[Word], int, Thesaurus, np.random.Generator], list[Word]]] = {
    "synonym": replace_synonyms,
    "insertion": insert_synonyms,
    "swap": swap_words,
    "deletion": delete_words,
}


def _different(words: list[Word]) -> list[str]:
    """Return the words casefolded, each once, in their order."""
    return list(dict.fromkeys(word.core.casefold() for word in words))


def _synonyms(thesaurus: Thesaurus, word: str) -> list[str]:
    """Return the synonyms of a word, except negations ("not bad")."""
    return [text for text in thesaurus.synonyms(word) if text != word and not any(map(is_negation, text.split()))]


def _with_core(place: Word, other: Word) -> Word:
    """Return the other's word with the punctuation of this place."""
    return Word(other.core, place.before, place.after, other.replaceable, other.fixed, place.bound)

"""Draw pairs of questions that ask the same or almost the same, for the synthetic para.

A duplicate replaces words by synonyms and moves the place, so the two questions may share few words. A hard negative
keeps the words except in one slot, where it asks something else. Counting common words is therefore misleading.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.synthetic.lexicon import ACTIONS, OBJECTS, PLACES, QUALITIES, Concept, other_concept, pick_one, reword

__all__ = ["LABEL_NOISE", "QuestionPair", "draw_question_pair"]

LABEL_NOISE = 0.04
"""Share of pairs with the wrong label; the best possible accuracy is 1 minus this."""

_DUPLICATES, _HARD_NEGATIVES = 0.4, 0.35  # the rest asks about something entirely different
_SYNONYMS_IN_DUPLICATE, _SYNONYMS_IN_NEGATIVE = 0.4, 0.1  # per slot

_INTENTS: tuple[Concept, ...] = (
    ("how can i", "how do i", "what is the best way to"),
    ("why should i", "what is the reason to", "why does one"),
    ("when should i", "what is the right time to", "on which day can i"),
    ("who can help me", "who will teach me to", "who knows how to"),
)
_SLOTS: tuple[tuple[Concept, ...], ...] = (_INTENTS, ACTIONS, QUALITIES, OBJECTS, PLACES)
_PREPOSITIONS = ("in", "near", "at")
_ARTICLES = ("the", "my", "that")


@dataclass(frozen=True)
class QuestionPair:
    """Two questions; ``duplicate`` is the noisy label, ``true_duplicate`` is whether they ask the same."""

    first: str
    second: str
    duplicate: bool
    true_duplicate: bool


def draw_question_pair(rng: np.random.Generator) -> QuestionPair:
    """Draw a pair; about 40 % of them are duplicates."""
    concepts = [pick_one(rng, slot) for slot in _SLOTS]
    words = [pick_one(rng, concept) for concept in concepts]
    kind = rng.random()
    duplicate = kind < _DUPLICATES
    if duplicate or kind < _DUPLICATES + _HARD_NEGATIVES:
        rate = _SYNONYMS_IN_DUPLICATE if duplicate else _SYNONYMS_IN_NEGATIVE
        others = [reword(rng, concept, word, rate) for concept, word in zip(concepts, words, strict=True)]
        if not duplicate:
            slot = int(rng.integers(len(_SLOTS)))
            others[slot] = pick_one(rng, other_concept(rng, _SLOTS[slot], concepts[slot]))
    else:
        others = [
            pick_one(rng, other_concept(rng, slot, concept)) for slot, concept in zip(_SLOTS, concepts, strict=True)
        ]
    label = duplicate != (rng.random() < LABEL_NOISE)
    preposition = pick_one(rng, _PREPOSITIONS)
    return QuestionPair(_question(rng, words, preposition), _question(rng, others, preposition), label, duplicate)


def _question(rng: np.random.Generator, words: list[str], preposition: str) -> str:
    intent, action, quality, item, place = words
    core = f"{intent} {action} {pick_one(rng, _ARTICLES)} {quality} {item}"
    where = f"{preposition} the {place}"
    return f"{where} , {core} ?" if rng.random() < 0.1 else f"{core} {where} ?"

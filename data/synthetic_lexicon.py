"""The words of the synthetic corpus, as concepts: words of one concept mean the same in para and sts.

All three tasks draw on these concepts, so that what one task teaches about a word helps the others. They also compete
for it: ``good`` and ``great`` are synonyms in para and sts, but differ in degree in sst.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["ACTIONS", "AGENTS", "OBJECTS", "PLACES", "QUALITIES", "Concept", "choice", "other_concept", "synonym"]

Concept = tuple[str, ...]
T = TypeVar("T")

AGENTS: tuple[Concept, ...] = (
    ("man", "guy"),
    ("woman", "lady"),
    ("child", "kid"),
    ("doctor", "physician"),
    ("teacher", "tutor"),
    ("thief", "robber"),
    ("singer", "vocalist"),
    ("cook", "chef"),
    ("farmer", "grower"),
    ("writer", "author"),
    ("soldier", "trooper"),
    ("lawyer", "attorney"),
    ("student", "pupil"),
    ("boss", "manager"),
)

ACTIONS: tuple[Concept, ...] = (
    ("buy", "purchase"),
    ("sell", "trade"),
    ("repair", "fix", "mend"),
    ("build", "construct"),
    ("find", "discover"),
    ("hide", "conceal"),
    ("clean", "wash"),
    ("break", "damage"),
    ("carry", "transport"),
    ("choose", "select"),
    ("show", "display"),
    ("watch", "observe"),
)

OBJECTS: tuple[Concept, ...] = (
    ("car", "automobile"),
    ("house", "home"),
    ("boat", "ship"),
    ("book", "novel"),
    ("picture", "photo"),
    ("phone", "telephone"),
    ("gift", "present"),
    ("bike", "bicycle"),
    ("coat", "jacket"),
    ("stone", "rock"),
    ("machine", "engine"),
    ("cup", "mug"),
    ("rug", "carpet"),
    ("bag", "sack"),
)

PLACES: tuple[Concept, ...] = (
    ("city", "town"),
    ("shop", "store"),
    ("forest", "woods"),
    ("school", "college"),
    ("hospital", "clinic"),
    ("airport", "airfield"),
    ("hotel", "inn"),
    ("farm", "ranch"),
    ("garden", "yard"),
    ("restaurant", "diner"),
)

QUALITIES: tuple[Concept, ...] = (
    ("good", "great"),
    ("bad", "awful"),
    ("beautiful", "pretty"),
    ("dull", "boring"),
    ("big", "large"),
    ("small", "little"),
    ("new", "modern"),
    ("old", "ancient"),
    ("cheap", "inexpensive"),
    ("fast", "quick"),
)


def choice(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]


def other_concept(rng: np.random.Generator, concepts: Sequence[Concept], concept: Concept) -> Concept:
    """One of the concepts that is not the given one."""
    step = 1 + int(rng.integers(len(concepts) - 1))
    return concepts[(concepts.index(concept) + step) % len(concepts)]


def synonym(rng: np.random.Generator, concept: Concept, word: str) -> str:
    """Another word of the concept."""
    return choice(rng, [other for other in concept if other != word])

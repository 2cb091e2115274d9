"""Define the words of the synthetic corpus as concepts: words of one concept mean the same in para and sts.

All three tasks use these concepts, so that what one task teaches about a word helps the others. They also compete:
``good`` and ``great`` are synonyms in para and sts, but differ in degree in sst.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["ACTIONS", "AGENTS", "OBJECTS", "PLACES", "QUALITIES", "Concept", "other_concept", "pick_one", "synonym"]

Concept = tuple[str, ...]
T = TypeVar("T")

AGENTS: tuple[Concept, ...] = (
    ("man", "guy"),
    ("child", "kid"),
    ("doctor", "physician"),
    ("thief", "robber"),
    ("singer", "vocalist"),
    ("student", "pupil"),
)

ACTIONS: tuple[Concept, ...] = (
    ("buy", "purchase"),
    ("repair", "fix"),
    ("build", "construct"),
    ("find", "discover"),
    ("hide", "conceal"),
    ("clean", "wash"),
)

OBJECTS: tuple[Concept, ...] = (
    ("car", "automobile"),
    ("house", "home"),
    ("boat", "ship"),
    ("phone", "telephone"),
    ("bike", "bicycle"),
    ("bag", "sack"),
)

PLACES: tuple[Concept, ...] = (
    ("city", "town"),
    ("shop", "store"),
    ("forest", "woods"),
    ("school", "college"),
    ("hotel", "inn"),
    ("farm", "ranch"),
)

QUALITIES: tuple[Concept, ...] = (
    ("good", "great"),
    ("bad", "awful"),
    ("beautiful", "pretty"),
    ("dull", "boring"),
    ("big", "large"),
    ("small", "little"),
)


def pick_one(rng: np.random.Generator, options: Sequence[T]) -> T:
    """Draw one of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]


def other_concept(rng: np.random.Generator, concepts: Sequence[Concept], concept: Concept) -> Concept:
    """Draw one of the concepts other than the given one."""
    step = 1 + int(rng.integers(len(concepts) - 1))
    return concepts[(concepts.index(concept) + step) % len(concepts)]


def synonym(rng: np.random.Generator, concept: Concept, word: str) -> str:
    """Draw another word of the concept."""
    return pick_one(rng, [other for other in concept if other != word])


def reword(rng: np.random.Generator, concept: Concept, word: str, rate: float) -> str:
    """Return the word, or with probability ``rate`` a synonym of it."""
    return synonym(rng, concept, word) if rng.random() < rate else word

"""The concepts of the synthetic corpus, and draws from them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from data.synthetic.lexicon import (
    ACTIONS,
    AGENTS,
    OBJECTS,
    PLACES,
    QUALITIES,
    Concept,
    other_concept,
    pick_one,
    reword,
    synonym,
)

LETTERS: tuple[Concept, ...] = (("a", "A"), ("b", "B"), ("c", "C"))


def test_no_word_belongs_to_two_concepts() -> None:
    """Otherwise replacing a word by its synonym could change another concept."""
    words = Counter(word for part in (AGENTS, ACTIONS, OBJECTS, PLACES, QUALITIES) for one in part for word in one)
    assert set(words.values()) == {1}
    assert all(len(one) > 1 for part in (AGENTS, ACTIONS, OBJECTS, PLACES, QUALITIES) for one in part)


def test_all_options_are_equally_likely() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(pick_one(rng, "abc") for _ in range(3000))
    assert set(counts) == set("abc")
    assert all(count == pytest.approx(1000, abs=4 * np.sqrt(3000 * 2 / 9)) for count in counts.values())


def test_another_concept_is_any_of_the_others() -> None:
    rng = np.random.default_rng(0)
    for concept in LETTERS:
        counts = Counter(other_concept(rng, LETTERS, concept) for _ in range(1000))
        assert set(counts) == set(LETTERS) - {concept}
        assert all(count == pytest.approx(500, abs=4 * np.sqrt(250)) for count in counts.values())


def test_a_synonym_is_another_word_of_the_concept() -> None:
    rng = np.random.default_rng(0)
    assert {synonym(rng, ("x", "y", "z"), "y") for _ in range(50)} == {"x", "z"}


def test_words_are_replaced_at_the_given_rate() -> None:
    rng = np.random.default_rng(0)
    assert {reword(rng, ("a", "A"), "a", 0.0) for _ in range(50)} == {"a"}
    assert {reword(rng, ("a", "A"), "a", 1.0) for _ in range(50)} == {"A"}
    changed = sum(reword(rng, ("a", "A"), "a", 0.3) == "A" for _ in range(1000))
    assert changed == pytest.approx(300, abs=4 * np.sqrt(210))

"""Texts that share most of their words are in one group."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.splitting.near_duplicates import NEARLY_SAME, duplicate_groups, shared_words, word_set

TEXT = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=4).map(" ".join)


def test_case_punctuation_and_order_do_not_count() -> None:
    texts = [
        "My order has not arrived.",
        "my order HAS NOT arrived!!",
        "has my order not arrived",
        "Where is my parcel?",
    ]
    assert duplicate_groups(texts).tolist() == [0, 0, 0, 3]


def test_a_word_more_in_a_long_text() -> None:
    words = [f"word{number}" for number in range(12)]
    texts = [" ".join(words), " ".join([*words, "more"]), " ".join([*words[:6], "quite", "another", "text"])]
    assert duplicate_groups(texts).tolist() == [0, 0, 2]


def test_groups_go_over_several_texts() -> None:
    """The first and the last share too little, but both are near to the one between them."""
    words = [f"w{number}" for number in range(12)]
    texts = [" ".join(words[start : start + 10]) for start in range(3)]
    assert duplicate_groups(texts).tolist() == [0, 0, 0]
    assert duplicate_groups([texts[0], texts[2]]).tolist() == [0, 1]


def test_texts_without_words() -> None:
    assert duplicate_groups(["!!", "??", "!!", "", " "]).tolist() == [0, 1, 0, 3, 3]
    assert duplicate_groups([]).tolist() == []


@given(st.lists(TEXT, max_size=12))
def test_equal_texts_are_together_and_unlike_ones_apart(texts: list[str]) -> None:
    groups = duplicate_groups(texts)
    sets = [frozenset(text.split()) for text in texts]
    for one, text in enumerate(texts):
        for other in range(one):
            if texts[other] == text:
                assert groups[one] == groups[other]
            if not sets[one] & sets[other]:
                between = [s for s in sets if s & sets[one] and s != sets[one]]
                assert groups[one] != groups[other] or not text or between
    assert all(groups[group] == group for group in groups)


def test_nearly_all_near_duplicates_of_many_texts_are_found() -> None:
    draw = random.Random(0)
    texts = [" ".join(draw.sample(WORDS, 10)) for _ in range(500)]
    changed = [" ".join([*text.split()[:9], "other"]) for text in texts]  # 9 of 11 words: just above the limit
    assert NEARLY_SAME <= 9 / 11
    groups = duplicate_groups([*texts, *changed])
    assert np.mean(groups[500:] == groups[:500]) > 0.97


def test_shared_words() -> None:
    assert shared_words(word_set("A good, good film"), word_set("a bad film")) == 2 / 4
    assert shared_words(word_set("!!"), word_set("??")) == 0.0


WORDS = [f"w{number}" for number in range(3000)]

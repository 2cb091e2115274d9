"""The operations on sentences, with a thesaurus of few words."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.augmentation.eda_operations import (
    OPERATIONS,
    Operation,
    delete_words,
    insert_synonyms,
    replace_synonyms,
    swap_words,
)
from data.augmentation.protected_words import Word, is_negation, join_words, split_words

SYNONYMS = {
    "fine": ("good", "not bad"),
    "film": ("movie", "motion picture"),
    "funny": ("amusing",),
    "dull": ("no fun",),
}


class Stub:
    def synonyms(self, word: str) -> tuple[str, ...]:
        return SYNONYMS.get(word, ())


WORDS = [
    "fine",
    "film",
    "funny",
    "dull",
    "not",
    "never",
    "n't",
    "'s",
    "the",
    "of",
    ",",
    ".",
    "Segal",
    "1999",
    "plot!",
    "(no)",
]
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def cores(words: list[Word]) -> list[str]:
    return [word.core for word in words if word.core]


def outcomes(operation: Operation, sentence: str, n: int, draws: int = 200) -> set[str]:
    words = split_words(sentence)
    return {join_words(OPERATIONS[operation](words, n, Stub(), rng(seed))) for seed in range(draws)}


def test_synonym_of_every_candidate() -> None:
    # Neither "not bad" nor a stop word's synonym; one of the two candidates is replaced.
    assert outcomes("synonym", "the fine film .", 1) == {
        "the good film .",
        "the fine movie .",
        "the fine motion picture .",
    }
    assert outcomes("synonym", "the fine film .", 2) == {"the good movie .", "the good motion picture ."}
    assert outcomes("synonym", "the fine film .", 9) == outcomes("synonym", "the fine film .", 2)


def test_a_synonym_replaces_every_occurrence_and_keeps_punctuation() -> None:
    assert outcomes("synonym", "a funny plot , (funny) but flat", 1) == {"a amusing plot , (amusing) but flat"}


def test_words_without_synonyms_do_not_count() -> None:
    """Catches drawing n words first and looking for synonyms then: most draws would change nothing."""
    assert outcomes("synonym", "flat empty stale funny thing", 1) == {"flat empty stale amusing thing"}


def test_insertion_at_every_place_but_the_end() -> None:
    assert outcomes("insertion", "a funny plot .", 1) == {
        "amusing a funny plot .",
        "a amusing funny plot .",
        "a funny amusing plot .",
        "a funny plot amusing .",
    }


def test_insertion_never_splits_a_negation_and_its_word() -> None:
    got = outcomes("insertion", "a fine plot not very dull .", 1)
    assert got == {
        "good a fine plot not very dull .",
        "a good fine plot not very dull .",
        "a fine good plot not very dull .",
        "a fine plot good not very dull .",
        "a fine plot not very dull good .",
    }


def test_a_negated_word_lends_no_synonym() -> None:
    """Catches "not funny amusing": the inserted word is not negated."""
    assert outcomes("insertion", "the plot is not funny .", 3) == {"the plot is not funny ."}


def test_insertion_where_every_word_is_bound() -> None:
    assert outcomes("insertion", "n't funny", 2) == {"n't funny"}


def test_swap_of_every_pair_that_may_move() -> None:
    assert outcomes("swap", "one (two), three not fun Segal .", 1) == {
        "two (one), three not fun Segal .",
        "three (two), one not fun Segal .",
        "one (three), two not fun Segal .",
    }


def test_deletion_of_every_word_that_may_go() -> None:
    assert outcomes("deletion", "the (odd) plot is not fun .", 1) == {
        "(odd) plot is not fun .",
        "the () plot is not fun .",
        "the (odd) is not fun .",
        "the (odd) plot not fun .",
    }


def test_deletion_leaves_a_word() -> None:
    assert outcomes("deletion", "one two !", 5) == {"one !", "two !"}
    assert outcomes("deletion", "one !", 1) == {"one !"}


def test_uniform() -> None:
    """Every deletion of one word of four is as likely: 4,000 draws, 1,000 expected, standard deviation 27."""
    words = split_words("one two three four")
    counts = Counter(join_words(delete_words(words, 1, Stub(), rng(seed))) for seed in range(4000))
    assert len(counts) == 4
    assert max(counts.values()) - min(counts.values()) < 200


def test_nothing_is_inserted_between_a_negation_and_punctuation() -> None:
    """Catches "not movie , a film": what is inserted would be negated, or take the place of what is."""
    assert outcomes("insertion", "not , film", 1) == {
        f"{place} film".replace("*", synonym)
        for synonym in ("movie", "motion picture")
        for place in ("* not ,", "not , *")
    }


@given(SENTENCES, st.integers(1, 5), st.integers(0, 2**32))
def test_swap_keeps_the_words_and_the_punctuation(sentence: str, n: int, seed: int) -> None:
    words = split_words(sentence)
    swapped = swap_words(words, n, Stub(), rng(seed))
    assert Counter(cores(swapped)) == Counter(cores(words))
    assert [(word.before, word.after) for word in swapped] == [(word.before, word.after) for word in words]


@given(SENTENCES, st.integers(1, 5), st.integers(0, 2**32))
def test_bounds_of_length(sentence: str, n: int, seed: int) -> None:
    words = split_words(sentence)
    length = len(cores(words))
    inserted = len(insert_synonyms(words, n, Stub(), rng(seed)))
    assert inserted - len(words) in (0, n)
    assert len(replace_synonyms(words, n, Stub(), rng(seed))) == len(words)
    movable = sum(not word.fixed for word in words)
    assert len(cores(delete_words(words, n, Stub(), rng(seed)))) == length - max(0, min(n, movable, length - 1))


@pytest.mark.parametrize("operation", list(OPERATIONS))
@given(sentence=SENTENCES, n=st.integers(1, 5), seed=st.integers(0, 2**32))
def test_what_is_fixed_is_kept_in_its_order(operation: Operation, sentence: str, n: int, seed: int) -> None:
    words = split_words(sentence)
    result = OPERATIONS[operation](words, n, Stub(), rng(seed))
    names = [word.core for word in words if word.core in ("Segal", "1999", "s") or is_negation(word.core)]
    assert [word.core for word in result if word.core in ("Segal", "1999", "s") or is_negation(word.core)] == names


@pytest.mark.parametrize("operation", list(OPERATIONS))
@given(sentence=SENTENCES, n=st.integers(1, 5), seed=st.integers(0, 2**32))
def test_a_negation_is_followed_by_the_word_that_it_negated(
    operation: Operation, sentence: str, n: int, seed: int
) -> None:
    """Catches moving, deleting and inserting inside of a negation's reach: "not fun , dull" to "not dull , fun"."""
    meaning = {"good": "fine", "movie": "film", "motion picture": "film", "amusing": "funny"}

    def reaches(words: list[Word]) -> list[tuple[str, str]]:
        pairs = pairwise(words)
        return [
            (a.core, meaning.get(b.core, b.core)) for a, b in pairs if is_negation(a.core) and not a.after and b.core
        ]

    words = split_words(sentence)
    assert reaches(OPERATIONS[operation](words, n, Stub(), rng(seed))) == reaches(words)


@pytest.mark.parametrize("operation", list(OPERATIONS))
@pytest.mark.parametrize("sentence", ["", ".", "Segal", "not", "n't Segal"])
def test_sentences_in_which_nothing_may_change(operation: Operation, sentence: str) -> None:
    assert outcomes(operation, sentence, 3, draws=20) == {sentence}

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.augmentation.protected_words import is_negation, join_words, split_words


def fixed(sentence: str) -> list[str]:
    return [word.core for word in split_words(sentence) if word.fixed and word.core]


def replaceable(sentence: str) -> list[str]:
    return [word.core for word in split_words(sentence) if word.replaceable]


@given(st.text())
def test_nothing_is_lost_but_white_space(sentence: str) -> None:
    words = split_words(sentence)
    assert join_words(words) == " ".join(sentence.split())
    for word in words:
        assert not word.core or (word.core[0].isalnum() and word.core[-1].isalnum())
        assert not any(map(str.isalnum, word.before + word.after))


def test_punctuation_is_separated_from_words_in_plain_and_in_ptb_text() -> None:
    plain, ptb = split_words('Is "fun" (really) fun?'), split_words("Is `` fun '' -LRB- really -RRB- fun ?")
    assert [word.core for word in plain] == ["Is", "fun", "really", "fun"]
    assert [word.core for word in ptb if word.core] == ["Is", "fun", "really", "fun"]
    assert (plain[1].before, plain[1].after) == ('"', '"')


@pytest.mark.parametrize(
    "word", ["not", "No", "never", "n't", "don't", "Don\u2019t", "dont", "wouldnt", "nor", "without"]
)
def test_negations(word: str) -> None:
    assert is_negation(word)


@pytest.mark.parametrize("word", ["want", "knot", "now", "note", "front", "ant", "important", "noble", ""])
def test_words_that_only_look_like_negations(word: str) -> None:
    assert not is_negation(word)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("the film is not good enough", ["not", "good"]),
        ("it was not a very good film", ["not", "a", "very", "good"]),
        ("but not completely satisfying in the end", ["not", "completely", "satisfying"]),
        ("it did n't work at all", ["did", "n't", "work"]),
        ("it doesn't work at all", ["doesn't", "work"]),
        ("no , it is fine", ["no"]),
        ("no, it is fine", ["no"]),
        ("playful without being fun or new", ["without", "being", "fun"]),
        ("never not fun to see", ["never", "not", "fun"]),
    ],
)
def test_a_negation_and_what_it_negates_are_fixed(sentence: str, expected: list[str]) -> None:
    assert fixed(sentence) == expected


def test_names_numbers_and_clitics_are_fixed() -> None:
    assert fixed("a film by Steven Segal from 1999 with the director 's nephew") == [
        "Steven",
        "Segal",
        "1999",
        "director",
        "s",
    ]


def test_replaceable_are_words_of_meaning_alone() -> None:
    assert replaceable("the fine film by Jackson was not funny in 2001 , it 's dull") == [
        "fine",
        "film",
        "funny",
        "dull",
    ]
    # "ca" and "wo" are auxiliaries here, whatever a thesaurus knows of them; a possessor is a word like others.
    assert replaceable("you ca n't go and wo n't see the director 's films") == ["go", "see", "director", "films"]


def test_nothing_goes_between_what_is_bound() -> None:
    words = split_words("Vanessa Redgrave 's part was not a great one")
    assert [word.core for word in words if word.bound] == ["Redgrave", "s", "a", "great"]

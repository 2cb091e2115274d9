"""Which examples say the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.audit.likeness import Likeness, Near, normalised

TEN = "one two three four five six seven eight nine ten"


def test_case_and_white_space_do_not_count() -> None:
    assert normalised("  A\u00a0Good\tFilm ") == normalised("a good film") == "a good film"
    assert normalised("C++") != normalised("C")


def test_pairs_say_the_same_in_any_order() -> None:
    found = Likeness.of([("A b", "c"), ("c", "a B"), ("a b", "d"), ("a b", "c")])
    assert found.contents.tolist() == [0, 0, 1, 0]
    assert found.keys[0] != found.keys[1]
    assert found.keys[0] == found.keys[3]


def test_the_nearest_is_the_one_that_shares_most_words() -> None:
    eight = TEN.replace(" nine ten", "")
    found = Likeness.of([(text,) for text in (TEN, eight, TEN.replace("ten", "TEN!"), "something else", TEN[4:])])
    assert found.nearest(0, [1, 3]) == Near(1, 0.8)
    assert found.nearest(0, [1, 2, 3, 4]) == Near(2, 1.0)  # only punctuation differs
    assert found.nearest(0, [1, 4]) == Near(4, 0.9)
    assert found.nearest(0, [3]) is None
    assert len(set(found.groups[[0, 1, 2, 4]].tolist())) == 1
    assert found.groups[3] == 3


@given(st.lists(st.tuples(st.text(), st.text())))
def test_equal_contents_have_equal_sentences(pairs: list[tuple[str, str]]) -> None:
    found = Likeness.of(pairs)
    for one, content in enumerate(found.contents.tolist()):
        for other in range(one):
            alike = sorted(map(normalised, pairs[one])) == sorted(map(normalised, pairs[other]))
            assert alike == (content == found.contents[other])
            assert not alike or found.groups[one] == found.groups[other]

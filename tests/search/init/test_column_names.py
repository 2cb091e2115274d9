import pytest

from search.init.column_names import is_group_name, is_id_name, is_label_name, is_pair, is_text_name, words_of


def test_words_of() -> None:
    assert words_of("TextOf_item2") == ["text", "of", "item", "2"]
    assert words_of("Größe (cm)") == ["grösse", "cm"]
    assert words_of("...") == []


@pytest.mark.parametrize(
    "names", ["sentence1 sentence2", "sentence_A sentence_B", "premise hypothesis", "q1 q2", "a b"]
)
def test_pairs(names: str) -> None:
    assert is_pair(names.split())


@pytest.mark.parametrize("names", ["title body", "sentence1 sentence1", "text_1 label_2", "sentence1 sentence3", "a"])
def test_no_pairs(names: str) -> None:
    assert not is_pair(names.split())


def test_a_text_and_its_second() -> None:
    assert is_pair(["sentence", "sentence2"])


def test_what_names_say() -> None:
    assert [name for name in ("id", "Ticket ID", "Unnamed: 0", "idea", "text") if is_id_name(name)] == [
        "id",
        "Ticket ID",
        "Unnamed: 0",
    ]
    assert [name for name in ("customer_id", "author", "customer_mood", "UserName") if is_group_name(name)] == [
        "customer_id",
        "author",
        "UserName",
    ]
    assert is_text_name("tweet_text")
    assert not is_text_name("text_id")
    assert is_label_name("is_duplicate")
    assert is_label_name("y")
    assert not is_label_name("label_id")

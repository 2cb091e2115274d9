from __future__ import annotations

import pytest

from data.augmentation.proper_nouns import kept_words, words_of


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("Grenier 's dialogue with Heidegger .", {"heidegger"}),  # the first word may be a name or not
        ("You walk out of The Good Girl with mixed emotions .", {"the", "good", "girl"}),
        ('It is fun . The actors are fine !  Even Travolta is . " Yes " .', {"travolta"}),
        ("Adapted by Mr. Smith and J.R.R. Tolkien .", {"mr", "smith", "j", "r", "tolkien"}),
        ("He works here. The end. Then came Bond.", {"bond"}),
        ("co-writer\\/director Peter Jackson -LRB- Taymor -RRB-", {"peter", "jackson", "taymor"}),
        ("a film that I 'd see 3 times in the 21st century", {"3", "21st"}),
        ("Post 9\\/11 it costs $ 1,000", {"9", "11", "1", "000"}),
        ("To Blandly Go Where We Went 8 Movies Ago ...", {"8"}),  # a headline: names cannot be recognised
        ("Adam SANDLER !", {"sandler"}),
        ("an absorbing study by André Turpin", {"andré", "turpin"}),
        ("", set()),
    ],
)
def test_names_and_numbers(sentence: str, kept: set[str]) -> None:
    assert kept_words(sentence) == kept


def test_spelling_of_case_punctuation_and_brackets_does_not_count() -> None:
    assert words_of("-LRB- Taymor -RRB- 's, art !") == words_of("(Taymor)'s ART") == ["taymor", "s", "art"]

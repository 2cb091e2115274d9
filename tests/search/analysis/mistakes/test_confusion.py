"""The confusion matrix as a table and in words."""

from __future__ import annotations

from search.analysis.mistakes.confusion import confusion_sentence, confusion_table

CLASSES = ("no", "maybe", "yes")


def test_the_table_has_counts_and_shares_of_the_gold_class() -> None:
    table = confusion_table([[3, 1, 0], [0, 0, 0], [1, 1, 6]], CLASSES)
    assert table.headings == ("gold", "no", "maybe", "yes")
    assert table.rows == (
        ("no", "3 (75 %)", "1 (25 %)", "0"),
        ("maybe", "0", "0", "0"),
        ("yes", "1 (12 %)", "1 (12 %)", "6 (75 %)"),
    )
    assert table.shades == ((0.75, 0.25, 0.0), (0.0, 0.0, 0.0), (0.125, 0.125, 0.75))


def test_the_most_frequent_confusions_are_said() -> None:
    words = confusion_sentence([[41, 22, 0], [5, 9, 1], [7, 0, 60]], CLASSES)
    assert words == (
        "Most frequent confusions: 22 of 63 'no' examples (35 %) predicted as 'maybe'; 7 of 67 'yes' examples (10 %) "
        "predicted as 'no'; 5 of 15 'maybe' examples (33 %) predicted as 'no'."
    )
    assert confusion_sentence([[3, 1, 0], [0, 4, 0], [0, 0, 2]], CLASSES) == (
        "Most frequent confusions: 1 of 4 'no' examples (25 %) predicted as 'maybe'."
    )
    assert confusion_sentence([[3, 0, 0], [0, 4, 0], [0, 0, 2]], CLASSES) == "All dev examples are predicted correctly."

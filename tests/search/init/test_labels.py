import pytest

from data.errors import UserError
from search.init.column_profile import ColumnProfile
from search.init.labels import class_counts, guess_prediction, score_range


def column(name: str, cells: list[str], times: int = 10) -> ColumnProfile:
    return ColumnProfile(name, len(cells) * times, dict.fromkeys(cells, times))


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("mood", ["sad", "happy"], ("classes", True)),
        ("label", ["0", "1"], ("classes", True)),
        ("label", [str(i) for i in range(77)], ("classes", True)),
        ("sentiment", ["0", "1", "2", "3", "4"], ("classes", True)),
        ("score", ["0", "1", "2", "3", "4"], ("scores", True)),
        ("rating", [str(i) for i in range(1, 11)], ("scores", True)),
        ("rating", [f"{i}.0" for i in range(1, 11)], ("scores", True)),
        ("label", ["1", "2", "3", "4", "5"], ("classes", False)),
        ("value", ["1", "2", "3", "4", "5"], ("scores", False)),
        ("label", ["0.5", "1.25", "3"], ("scores", True)),
        ("percent", [str(i) for i in range(101)], ("scores", True)),
        ("label", ["1", "2", "?"], ("classes", True)),
    ],
)
def test_classes_or_scores(name: str, cells: list[str], expected: tuple[str, bool]) -> None:
    guess, _, is_sure = guess_prediction(column(name, cells))
    assert (guess, is_sure) == expected


def test_spellings_of_one_class_are_one() -> None:
    assert class_counts({"1": 2, "1.0": 3, "0.0": 4, "10": 1}) == {"0": 4, "1": 5, "10": 1}
    assert class_counts({"True": 2, "true": 1, "FALSE": 4}) == {"false": 4, "true": 3}
    assert class_counts({"b": 1, "A": 2, "nan": 7}) == {"A": 2, "b": 1}
    assert class_counts({"01": 2, "1.50": 3}) == {"01": 2, "1.50": 3}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((1, 10), (1, 10)),
        ((0.2, 4.8), (0, 5)),
        ((1, 5), (1, 5)),
        ((0.01, 0.97), (0, 1)),
        ((-0.9, 0.8), (-1, 1)),
        ((3, 97), (0, 100)),
        ((2, 37.5), (2, 38)),
        ((5.001, 5.002), (5.001, 5.002)),
    ],
)
def test_the_range_of_scores(scores: tuple[float, float], expected: tuple[float, float]) -> None:
    found = score_range(column("score", [str(score) for score in scores]), {})
    assert (found.low, found.high) == expected


def test_scores_of_other_files_count() -> None:
    assert score_range(column("score", ["1", "4"]), {"5": 1}).high == 5


def test_scores_without_a_range() -> None:
    with pytest.raises(UserError, match="scores from 3 to 3, which give no score range"):
        score_range(column("score", ["3", "3.0"]), {})

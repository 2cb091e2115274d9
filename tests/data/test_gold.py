from __future__ import annotations

import re

import numpy as np
import pytest

from data.gold import label_array, label_parser
from data.task_files import builtin_tasks

SST, STS = builtin_tasks()["sst"], builtin_tasks()["sts"]
STARS = SST.model_copy(update={"classes": ("1", "2", "3", "4", "5")})


@pytest.mark.parametrize(
    ("text", "index"), [("0", 0), ("4", 4), ("3.0", 3), (" 2 ", 2), ("neutral", 2), ("very positive", 4)]
)
def test_classes_by_name_and_number(text: str, index: int) -> None:
    assert label_parser(SST)(text) == index


@pytest.mark.parametrize(("text", "index"), [("1", 0), ("5", 4), ("5.0", 4)])
def test_numbers_that_are_names_are_not_indices(text: str, index: int) -> None:
    assert label_parser(STARS)(text) == index


@pytest.mark.parametrize("text", ["5", "-1", "2.5", "nan", "Neutral", "0,0"])
def test_labels_out_of_range(text: str) -> None:
    with pytest.raises(
        ValueError, match=f"label must be one of 'very negative', .* numbers 0 to 4, got '{re.escape(text)}'"
    ):
        label_parser(SST)(text)
    with pytest.raises(ValueError, match=r"label must be one of '1', .* numbers 1 to 5, got '0'"):
        label_parser(STARS)("0")


@pytest.mark.parametrize(("text", "score"), [("0", 0.0), ("5.0", 5.0), ("0.75", 0.75), (" 3 ", 3.0), ("1e0", 1.0)])
def test_scores(text: str, score: float) -> None:
    assert label_parser(STS)(text) == score


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5.01", "score must be within 0 to 5, got 5.01"),
        ("-0.1", "score must be within 0 to 5, got -0.1"),
        ("nan", "'nan' is not a finite score"),
        ("inf", "'inf' is not a finite score"),
        ("3,5", "'3,5' is not a number"),
        ("0_3", "'0_3' is not a number"),
        ("5.0000001", "score must be within 0 to 5, got 5.0000001"),
        (" ", "no label"),
    ],
)
def test_scores_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        label_parser(STS)(text)


def test_an_empty_label() -> None:
    with pytest.raises(ValueError, match=r"^no label$"):
        label_parser(SST)("  ")


def test_types_of_label_arrays() -> None:
    assert label_array(SST, [1, 2]).dtype == np.int64
    assert label_array(STS, [1.5, 2]).dtype == np.float32


@pytest.mark.parametrize("text", ["True", "true", " TRUE "])
def test_booleans_are_classes_of_these_names_or_the_numbers_of_two(text: str) -> None:
    def parsed(*classes: str) -> int:
        return int(label_parser(SST.model_copy(update={"classes": classes}))(text))

    assert parsed("false", "true") == 1
    assert parsed("True", "False") == 0
    assert parsed("no", "yes") == 1
    assert parsed("1", "0") == 0
    for others in (("a", "b", "c"), ("1", "2"), ("true", "maybe", "never")):
        if text.strip() not in others:
            with pytest.raises(ValueError, match="label must be one of"):
                parsed(*others)

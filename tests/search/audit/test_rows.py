"""Odd rows of a task."""

from __future__ import annotations

from pathlib import Path

from search.audit.rows import find_odd_rows, rows_topic
from tests.search.audit.audited import MOOD, NEAR, SAME, counted, found, task_of

DEV = [("x1", "fine", "pos"), ("x2", "sad", "neg")]


def test_rows_that_are_left_out_have_their_line_and_reason(tmp_path: Path) -> None:
    rows = [(f"a{number}", f"text {number}", "pos") for number in range(1500)]
    rows[7] = ("a7", "  ", "pos")
    rows[10] = ("a10", "text", "what")
    task = task_of(tmp_path, MOOD, rows, DEV)
    findings = [one for one in find_odd_rows(task) if one.reason == "left out"]
    assert [(one.line, one.detail) for one in findings] == [
        (9, "text is empty"),
        (12, "label must be one of 'neg', 'pos' or their numbers 0 to 1, got 'what'"),
    ]
    assert findings[0].file.endswith("mine-train.csv")


def test_a_task_without_odd_rows(tmp_path: Path) -> None:
    task = task_of(tmp_path, MOOD, [("a", "one", "pos"), ("b", "two", "neg")], DEV)
    topic = rows_topic({"mine": task})
    assert topic.findings == ()
    assert "Nothing odd was found." in topic.section.parts


def test_very_long_texts(tmp_path: Path) -> None:
    rows = [(f"a{number}", "abcdefghij", "pos") for number in range(500)]
    for number, length in ((3, 30), (4, 31)):
        rows[number] = (f"a{number}", "x" * length, "neg")
    assert found(find_odd_rows(task_of(tmp_path, MOOD, rows, DEV))) == [
        ("a4", "very long", "31 characters; 99 % have at most 10")
    ]


def test_ids(tmp_path: Path) -> None:
    train = [("1.2E+15", "one", "pos"), ("nan", "two", "neg"), ("7", "three", "pos"), ("12e45", "four", "neg")]
    task = task_of(tmp_path, MOOD, train, [("7", "five", "pos"), ("12e45", "six", "neg")])
    assert found(find_odd_rows(task)) == [
        ("1.2E+15", "suspicious id", "1.2E+15"),
        ("nan", "suspicious id", "nan"),
        ("12e45", "id in several splits", "'12e45' is also in train, line 5"),
    ]


def test_equal_sentences_with_the_label_of_different_ones(tmp_path: Path) -> None:
    """The data say which label is the one of equal sentences, whatever it is called."""
    for label, other in (("same", "other"), ("other", "same")):
        train = [
            ("a", "p q", "p q", label),
            ("b", "p q r", "p q s", label),
            ("c", "t", "u", other),
            ("d", "v", "v", other),
        ]
        train += [("e", "w", "x", other)]
        task = task_of(tmp_path, SAME, train, [("f", "y", "y ", other), ("g", "y", "z", label)])
        detail = f"labelled '{other}', expected '{label}'"
        assert found(find_odd_rows(task)) == [("d", "equal sentences", detail), ("f", "equal sentences", detail)]


def test_equal_sentences_with_a_low_score(tmp_path: Path) -> None:
    train = [("a", "p q", "p q", "5"), ("b", "p q r", "p q s", "4"), ("c", "t", "u", "0"), ("d", "v", "v", "3.9")]
    task = task_of(tmp_path, NEAR, train, [("e", "y", "y", "4"), ("f", "y", "z", "1")])
    assert found(find_odd_rows(task)) == [("d", "equal sentences", "labelled 3.9, expected at least 4")]
    distances = [(*row[:3], str(5 - float(row[3]))) for row in train]
    task = task_of(tmp_path, NEAR, distances, [("e", "y", "y", "1"), ("f", "y", "z", "4")])
    assert found(find_odd_rows(task)) == [("d", "equal sentences", "labelled 1.1, expected at most 1")]


def test_a_pair_has_each_reason_once(tmp_path: Path) -> None:
    train = [("a", "<b>p</b>", "<i>q</i>", "same"), ("b", "r", "s", "other")]
    task = task_of(tmp_path, SAME, train, [("c", "t", "u", "same"), ("d", "v", "w", "other")])
    assert counted(find_odd_rows(task)) == {"HTML": 1}

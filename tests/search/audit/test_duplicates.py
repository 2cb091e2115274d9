"""Training examples that say the same, and their labels."""

from __future__ import annotations

from pathlib import Path

from search.audit.duplicates import duplicates_topic, find_conflicts, find_duplicates
from tests.search.audit.audited import MOOD, NEAR, SAME, counted, found, task_of

LONG = "one two three four five six seven eight nine"
DEV = [("d", "unlike", "neg"), ("e", "another", "pos")]


def test_repeated_and_nearly_repeated_texts(tmp_path: Path) -> None:
    train = [("a", LONG, "pos"), ("b", "short", "neg"), ("c", f" {LONG.upper()}", "pos"), ("d", f"{LONG} ten", "pos")]
    task = task_of(tmp_path, MOOD, train, DEV)
    assert found(find_duplicates(task)) == [
        ("c", "duplicate", "the same as line 2"),
        ("d", "near-duplicate", "shares 90% of the words with line 2"),
    ]
    assert list(find_conflicts(task)) == []


def test_a_duplicate_in_dev_is_none_in_train(tmp_path: Path) -> None:
    task = task_of(tmp_path, MOOD, [("a", LONG, "pos"), ("b", "x", "neg")], [("d", LONG, "pos"), ("e", "y", "neg")])
    assert list(find_duplicates(task)) == []


def test_labels_conflict_in_the_same_and_in_the_other_order(tmp_path: Path) -> None:
    train = [
        ("a", "p q", "r", "same"),
        ("b", "P  q", "r", "other"),
        ("c", "s", "t", "same"),
        ("d", "t", "s", "other"),
        ("e", "u", "v", "same"),
        ("f", "v", "u", "same"),
    ]
    task = task_of(tmp_path, SAME, train, [("x", "g", "h", "same"), ("y", "i", "j", "other")])
    assert sorted(found(find_conflicts(task))) == [
        ("a", "label conflict", "'same' here, 'other' in line 3"),
        ("b", "label conflict", "'other' here, 'same' in line 2"),
        ("c", "label conflict when swapped", "'same' here, 'other' in line 5"),
        ("d", "label conflict when swapped", "'other' here, 'same' in line 4"),
    ]


def test_scores_conflict_from_a_tenth_of_the_range_on(tmp_path: Path) -> None:
    train = [("a", "p", "q", "1"), ("b", "p", "q", "1.5"), ("c", "p", "q", "1.6"), ("d", "x", "y", "5")]
    task = task_of(tmp_path, NEAR, train, [("e", "i", "j", "1"), ("f", "k", "l", "2")])
    assert [(one.id, one.detail) for one in find_conflicts(task)] == [
        ("a", "1 here, 1.6 in line 4"),
        ("c", "1.6 here, 1 in line 2"),
    ]


def test_the_topic_counts_them(tmp_path: Path) -> None:
    train = [("a", LONG, "pos"), ("b", LONG, "neg"), ("c", "w", "neg"), ("d", "v", "neg")]
    topic = duplicates_topic({"mine": task_of(tmp_path, MOOD, train, DEV)})
    assert counted(topic.findings) == {"label conflict": 2, "duplicate": 1}
    table = topic.section.parts[1]
    assert table.rows == (("mine", "4", "1 (25.0 %)", "0 (0.0 %)", "2 (50.0 %)", "0 (0.0 %)"),)  # type: ignore[union-attr]

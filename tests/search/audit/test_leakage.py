"""Dev examples that are in a training set."""

from __future__ import annotations

from pathlib import Path

from data.overlap import count_overlap
from search.audit.examples import read_tasks
from search.audit.leakage import find_in_other_tasks, find_in_train, leakage_topic
from tests.search.audit.audited import MOOD, SAME, base_of, counted, found, task_of, write_task

LONG = "one two three four five six seven eight nine"


def test_sentences_in_train(tmp_path: Path) -> None:
    train = [("a", LONG, "pos"), ("b", "a dull film", "neg")]
    dev = [
        ("c", "A dull  film", "pos"),
        ("d", f"{LONG} ten", "pos"),
        ("e", "unlike", "neg"),
        ("f", LONG, "pos"),
    ]
    task = task_of(tmp_path, MOOD, train, dev)
    assert found(find_in_train(task, "dev")) == [
        ("c", "in train", "the same as line 3 of train; 'pos' here, 'neg' there"),
        ("d", "nearly in train", "shares 90% of the words with line 2 of train; the same label"),
        ("f", "in train", "the same as line 2 of train; the same label"),
    ]


def test_pairs_in_train(tmp_path: Path) -> None:
    train = [("a", "p q", "r s", "same"), ("b", "t u", "v w", "other")]
    dev = [
        ("c", "p q", "r s", "same"),
        ("d", "R s", "p q", "other"),
        ("e", "new words", "v w", "same"),
        ("f", "p q", "t u", "same"),
        ("g", "all", "new", "other"),
    ]
    task = task_of(tmp_path, SAME, train, dev)
    assert found(find_in_train(task, "dev")) == [
        ("c", "in train", "the same as line 2 of train; the same label"),
        ("d", "in train", "the same, swapped, as line 2 of train; 'other' here, 'same' there"),
        ("e", "sentence in train", "second sentence is in train, line 3"),
        ("f", "sentence in train", "each sentence is in train, line 2"),
    ]


def test_the_counts_are_those_of_the_checks_before_a_study(tmp_path: Path) -> None:
    train = [("a", LONG, "pos"), ("b", "dull", "neg")]
    task = task_of(tmp_path, MOOD, train, [("c", LONG, "pos"), ("d", "Dull", "neg"), ("e", "new", "neg")])
    topic = leakage_topic({"mine": task})
    line = count_overlap(task.splits["train"], task.splits["dev"]).warning("mine", "dev")
    assert topic.warnings == (line,)
    assert counted(topic.findings) == {"in train": 2}  # also the one that differs in case


def test_sentences_in_train_of_another_task(tmp_path: Path) -> None:
    pairs = write_task(
        tmp_path, "pairs", SAME, train=[("a", "x", LONG, "same"), ("b", "y", "z", "other")],
        dev=[("c", "good", "w", "same"), ("d", "v", "u", "other")],
    )  # fmt: skip
    moods = write_task(
        tmp_path, "moods", MOOD, train=[("a", "Good", "pos"), ("b", "bad", "neg")],
        dev=[("c", f"{LONG} ten", "pos"), ("d", "new", "neg")],
    )  # fmt: skip
    tasks = read_tasks(base_of(tmp_path, pairs=pairs, moods=moods), (), tmp_path / "faults.txt")
    findings = list(find_in_other_tasks(tasks))
    assert [(one.task, *rest) for one, rest in zip(findings, found(findings), strict=True)] == [
        ("pairs", "c", "in train of another task", "moods, line 2 of train"),
        ("moods", "c", "in train of another task", "pairs, line 2 of train, which shares 90% of the words"),
    ]
    assert counted(leakage_topic(tasks).findings) == {"in train of another task": 2}


def test_in_folds_dev_is_no_copy_of_train(tmp_path: Path) -> None:
    """Every row is dev for the one model that does not train on it; test stays a split of its own."""
    rows = [(str(n), f"text {n} of {n % 7} words {n * n}", "pos" if n % 2 else "neg") for n in range(40)]
    table = write_task(tmp_path, "mood", MOOD, train=rows) | {"split": {"folds": 4, "test": 0.2}}
    task = read_tasks(base_of(tmp_path, mood=table), (), tmp_path / "faults.txt")["mood"]
    assert len(task.splits["dev"]) == len(task.splits["train"]) == 32
    topic = leakage_topic({"mood": task})
    assert not topic.warnings
    assert {one.split for one in topic.findings} <= {"test"}

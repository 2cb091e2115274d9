"""Which examples are hardest, whose labels are in doubt, and what the table and the file say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.reading import RawSplit
from data.task_files import builtin_tasks
from search.analysis.mistakes.compared_runs import TaskRuns
from search.analysis.mistakes.hardest import error_frame, hardest_table, hardness, label_doubt_sentence

PARA, STS = builtin_tasks()["para"], builtin_tasks()["sts"]


def runs_of(task: str, labels: np.ndarray, *predictions: np.ndarray, long: str = "b") -> TaskRuns:
    count = len(labels)
    sentences: list[tuple[str, ...]] = [(f"a{index}", long) for index in range(count)]
    dev = RawSplit([f"id{index}" for index in range(count)], sentences, labels, [], Path("dev.csv"))
    names = tuple(f"trial {index}" for index in range(len(predictions)))
    return TaskRuns(builtin_tasks()[task], dev, labels, names, predictions)


def said(*of_duplicate: float) -> np.ndarray:
    """Return probabilities of the two classes."""
    second = np.array(of_duplicate)
    return np.stack([1.0 - second, second], axis=1).astype(np.float32)


GOLD = np.array([0, 1, 1, 0])
CLASSES = runs_of("para", GOLD, said(0.9, 0.2, 0.9, 0.1), said(0.95, 0.4, 0.2, 0.1), said(0.85, 0.4, 0.9, 0.1))


def test_the_order_is_by_runs_that_are_wrong_then_by_how_sure_they_are() -> None:
    found = hardness(CLASSES)
    assert found.wrong.tolist() == [[True, True, False, False], [True, True, True, False], [True, True, False, False]]
    assert found.order.tolist() == [0, 1, 2, 3]
    # all agree on another class in 0 (.90 against .10) and in 1 (.67 against .33)
    assert found.doubtful.tolist() == [True, False, False, False]
    assert label_doubt_sentence(found, "the 3 best trials", is_score=False).startswith(
        "2 of 4 examples are wrong for all of the 3 best trials, 1 of them with the same class"
    )


def test_many_unsure_runs_count_more_than_a_sure_one() -> None:
    """Of five classes: a wrong one at .30 for two runs, and one at .96 for one."""
    unsure, sure = [0.3, 0.2, 0.2, 0.2, 0.1], [0.96, 0.01, 0.01, 0.01, 0.01]
    right = [0.0, 1.0, 0.0, 0.0, 0.0]
    first, second, third = np.array([[sure, unsure], [right, unsure], [right, right]])
    found = hardness(runs_of("sst", np.array([1, 1]), first, second, third))
    assert found.order.tolist() == [1, 0]


def test_two_runs_that_agree_say_nothing_of_a_label() -> None:
    found = hardness(runs_of("para", GOLD, *CLASSES.predictions[:2]))
    assert not found.doubtful.any()
    assert label_doubt_sentence(found, "the 2 best trials", is_score=False) == ""


def test_the_table_of_classes() -> None:
    table = hardest_table(CLASSES, hardness(CLASSES), "the 3 best trials")
    assert table.headings == ("example", "gold", "trial 0", "trial 1", "trial 2", "label")
    assert table.rows == (
        ("a0 | b", "not duplicate", "duplicate 0.90", "duplicate 0.95", "duplicate 0.85", "in doubt"),
        ("a1 | b", "duplicate", "not duplicate 0.80", "not duplicate 0.60", "not duplicate 0.60", ""),
        ("a2 | b", "duplicate", "duplicate 0.90", "not duplicate 0.80", "duplicate 0.90", ""),
    )  # all are right in 3


def test_the_file_has_all_examples_in_full() -> None:
    long = "very " * 100 + "long"
    runs = runs_of("para", GOLD, *CLASSES.predictions, long=long)
    found = hardness(runs)
    frame = error_frame(runs, found)
    assert list(frame.columns) == [
        "id", "sentence1", "sentence2", "gold", "prediction", "probability", "loss", "wrong_of_3", "label_in_doubt"
    ]  # fmt: skip
    assert frame["id"].tolist() == ["id0", "id1", "id2", "id3"]
    assert set(frame["sentence2"]) == {long}
    assert frame["probability"].tolist() == pytest.approx([0.9, 0.8, 0.9, 0.9])
    assert frame["loss"].tolist() == pytest.approx(-np.log([0.1, 0.2, 0.9, 0.9]), rel=1e-5)
    assert frame["wrong_of_3"].tolist() == [3, 3, 1, 0]
    assert frame["gold"].tolist() == ["not duplicate", "duplicate", "duplicate", "not duplicate"]
    shown = hardest_table(runs, found, "all").rows[0][0]
    assert shown.endswith("…")
    assert len(shown) < 160


def test_scores_far_from_the_line() -> None:
    gold = np.tile(np.linspace(0, 5, 11), 4).astype(np.float32)
    rng = np.random.default_rng(0)
    predictions = [scale * gold + rng.normal(0, 0.05, 44) for scale in (1.0, 0.5, 3.0)]
    for one, scale in zip(predictions, (1.0, 0.5, 3.0), strict=True):
        one[7] += 2.0 * scale  # all too high
        one[9] += scale * (2.0 if scale > 1 else -1.8)  # not on one side
    runs = runs_of("sts", gold, *predictions)
    found = hardness(runs)
    assert found.order[:2].tolist() == [7, 9]
    assert found.wrong[:, 7].all()
    assert np.flatnonzero(found.doubtful).tolist() == [7]
    frame = error_frame(runs, found)
    assert list(frame.columns[3:]) == ["gold", "prediction", "residual", "wrong_of_3", "label_in_doubt"]
    assert frame["residual"].iloc[0] == pytest.approx(2.0, abs=0.3)
    table = hardest_table(runs, found, "the 3 best trials")
    assert table.rows[0][1] == "3.50"
    assert table.rows[0][2] == f"{predictions[0][7]:.2f} ({found.residuals[0, 7]:+.2f})"  # type: ignore[index]
    assert "far from the line (twice the root mean square) for all of the 3 best trials" in label_doubt_sentence(
        found, "the 3 best trials", is_score=True
    )

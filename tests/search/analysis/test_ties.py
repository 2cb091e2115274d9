"""Trials that score alike, and models that predict a single class, are not taken for a lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from data.task_files import builtin_tasks
from search.analysis.checkpoints import Checkpoint
from search.analysis.ties import Ties, ties_sentences

SPECS = {"para": builtin_tasks()["para"], "sts": builtin_tasks()["sts"]}
SECOND, FIRST, BOTH = [[0, 6], [0, 4]], [[6, 0], [4, 0]], [[5, 1], [1, 3]]


def checkpoint(trial: int, overall: float, confusion: list[list[int]] | None, rung: int = 100) -> Checkpoint:
    of_para = {} if confusion is None else {"para": confusion}
    evaluation = Evaluation(rung, rung, 1, overall, {"para": overall, "sts": 0.0}, {}, {}, 1.0, 1.0, of_para)
    return Checkpoint(trial, RunFolder(Path()), evaluation)


@pytest.mark.parametrize(
    ("confusions", "expected"),
    [
        ([FIRST, FIRST], {"para": ("not a paraphrase",)}),
        ([FIRST, SECOND], {"para": ("not a paraphrase", "paraphrase")}),
        ([FIRST, BOTH], {}),
        ([FIRST, None], {}),  # as studies of earlier versions have it
    ],
)
def test_single_classes(confusions: list[list[list[int]] | None], expected: dict[str, tuple[str, ...]]) -> None:
    names = dict(zip(("not a paraphrase", "paraphrase"), SPECS["para"].classes, strict=True))
    found = Ties.of(0, [checkpoint(trial, 0.5, one) for trial, one in enumerate(confusions)], SPECS)
    assert found.one_class == {task: tuple(sorted(names[one] for one in of)) for task, of in expected.items()}


def test_the_best_rung_of_each_trial_counts() -> None:
    checkpoints = [checkpoint(0, 0.5, FIRST), checkpoint(0, 0.7, BOTH, 200), checkpoint(1, 0.7, FIRST)]
    assert Ties.of(0, [*checkpoints, checkpoint(2, 0.6, FIRST)], SPECS) == Ties(others=1, trials=3)
    assert Ties.of(0, checkpoints, SPECS).is_of_all


@pytest.mark.parametrize(
    ("ties", "lines"),
    [
        (Ties(), []),
        (Ties(trials=3), []),
        (Ties(1, 3), ["1 other trial has the same overall dev score as the best one."]),
        (Ties(2, 4), ["2 other trials have the same overall dev score as the best one."]),
        (
            Ties(5, 6, {"para": ("no",)}),
            [
                "All 6 trials have the same overall dev score: none of them is better.",
                "All trials predict only the class 'no' for para on dev, whatever the example.",
            ],
        ),
        (
            Ties(0, 3, {"para": ("a", "b")}),
            ["All trials predict a single class each for para on dev, whatever the example."],
        ),
        (Ties(one_class={"x": ("a",)}), ["The trial predicts only the class 'a' for x on dev, whatever the example."]),
    ],
)
def test_sentences(ties: Ties, lines: list[str]) -> None:
    assert ties_sentences(ties) == lines

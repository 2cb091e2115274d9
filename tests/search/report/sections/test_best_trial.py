"""The section on the best trial's metrics."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.config import LossConfig
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from search.display.table import Table
from search.report.parts import Fold, Heading, Part
from search.report.sections.best_trial import loss_weight_sentence, task_parts
from tests.search.report.evaluations import POINT


def named(*classes: str) -> TaskSpec:
    return TaskSpec.model_validate({**builtin_tasks()["para"].model_dump(), "classes": classes})


def tables_of(fold: Part) -> list[Table]:
    assert isinstance(fold, Fold)
    return [part for part in fold.parts if isinstance(part, Table)]


def test_tables_of_a_task() -> None:
    metrics = {"accuracy": 0.75, "precision": 0.5, "precision/no": 0.25, "precision/yes": 0.75}
    gap = {"train_accuracy": 1.0, "train_dev_gap": 0.25}
    _, sentence, fold = task_parts(metrics | gap, named("no", "yes"))
    assert sentence == "accuracy: 0.750 on dev, 1.000 on training examples (gap +0.250)"
    overview, by_class = tables_of(fold)
    assert overview.rows == (
        ("accuracy", "0.7500"),
        ("macro precision", "0.5000"),
        ("accuracy on training examples", "1.0000"),
        ("train-dev gap", "0.2500"),
    )
    assert (by_class.headings, by_class.rows) == (("class", "precision"), (("no", "0.250"), ("yes", "0.750")))


def test_metrics_written_before_they_grew_are_shown() -> None:
    heading, fold = task_parts({"accuracy": 0.75, "f1": 0.5}, named("no", "yes"))
    assert heading == Heading("para")
    assert [table.rows for table in tables_of(fold)] == [(("accuracy", "0.7500"), ("macro F1", "0.5000"))]


WEIGHED = replace(POINT, loss_weights={"sst": 0.31234, "para": 1.5})
CHANGED: dict[str, LossConfig] = {
    "learned": LossConfig(weighting="uncertainty"),
    "tapered": LossConfig(taper={"sst": "inverse", "para": "constant"}),
}


@pytest.mark.parametrize("how", list(CHANGED))
def test_loss_weights_that_changed_in_training_are_said(how: str) -> None:
    words = f"Loss weights at the best rung ({how}): sst 0.312, para 1.5."
    assert loss_weight_sentence(WEIGHED, CHANGED[how]) == words
    assert loss_weight_sentence(POINT, CHANGED[how]) == ""  # stored before weights were recorded


def test_loss_weights_that_a_setting_says_are_not_said_again() -> None:
    fixed = LossConfig(weights={"sst": 2.0}, taper={"sst": "constant", "para": "constant"})
    assert loss_weight_sentence(WEIGHED, fixed) == ""

"""Rules of a task: columns, classes, score range and metric suit its kind."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from data.metrics import find_metric
from data.tasks import TAKEN_NAMES, TaskSpec

CLASSIFY: dict[str, Any] = {
    "name": "mood",
    "kind": "classify",
    "files": {"train": "t.csv", "dev": "d.csv"},
    "columns": {"sentences": ["text"], "label": "mood"},
    "classes": ["sad", "happy"],
    "metric": "accuracy",
}
SCORE_PAIR: dict[str, Any] = {
    **CLASSIFY,
    "kind": "score-pair",
    "columns": {"sentences": ["a", "b"], "label": "score"},
    "classes": [],
    "score_range": [0, 5],
    "metric": "pearson",
}


def test_defaults() -> None:
    spec = TaskSpec.model_validate(CLASSIFY)
    assert (spec.files.test, spec.columns.id, spec.score_range) == (None, "id", None)
    assert (spec.prediction_column, spec.written_as) == ("Prediction", "name")
    assert spec.metric is find_metric("accuracy")
    assert TaskSpec.model_validate(SCORE_PAIR).score_range == (0.0, 5.0)


@pytest.mark.parametrize("table", [CLASSIFY, SCORE_PAIR])
def test_a_task_is_read_back_from_json(table: dict[str, Any]) -> None:
    spec = TaskSpec.model_validate(table)
    assert TaskSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("table", "changes", "message"),
    [
        (CLASSIFY, {"name": "Mood"}, "should match pattern"),
        (CLASSIFY, {"name": "train"}, "a task cannot be called 'train', which torch uses; try 'train_task'"),
        (CLASSIFY, {"kind": "classify-pair"}, "reads 2 sentence column(s), got columns.sentences = ['text']"),
        (CLASSIFY, {"score_range": [0, 1]}, "has no score_range; give classes = [...]"),
        (CLASSIFY, {"classes": ["sad"]}, "at least two different classes, got ['sad']"),
        (CLASSIFY, {"classes": ["sad", "sad"]}, "at least two different classes, got ['sad', 'sad']"),
        (CLASSIFY, {"metric": "pearson"}, "metric 'pearson' does not suit a task of kind 'classify'; choose from "),
        (CLASSIFY, {"classes": ["a", "b", "c"], "metric": "f1_positive"}, "it needs exactly two classes, got 3"),
        (CLASSIFY, {"metric": 3}, "must be the name of a metric, got 3"),
        (CLASSIFY, {"clases": 3}, "Extra inputs are not permitted"),
        (SCORE_PAIR, {"columns": CLASSIFY["columns"]}, "reads 2 sentence column(s)"),
        (SCORE_PAIR, {"classes": ["a", "b"]}, "has no classes; give score_range = [low, high]"),
        (SCORE_PAIR, {"score_range": [5, 5]}, "score_range must be [low, high] with low < high, got (5.0, 5.0)"),
        (SCORE_PAIR, {"score_range": None}, "needs score_range = [low, high]"),
    ],
)
def test_tasks_that_are_refused(table: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TaskSpec.model_validate({**table, **changes})
    assert message in str(caught.value)


def test_names_that_torch_uses_are_taken() -> None:
    """A part of a model is an attribute of its parent."""
    public = {name for name in dir(torch.nn.Module()) + dir(torch.nn.ModuleDict()) if not name.startswith("_")}
    others = {"t_destination", "smart_apply"}  # a type, and what transformers adds where it is imported
    assert {name for name in public if name == name.lower()} - others <= TAKEN_NAMES


def test_quoting_is_written_only_where_it_is_not_the_default() -> None:
    """Digests of configurations from before there was a choice stay the same."""
    usual, plain = TaskSpec.model_validate(CLASSIFY), TaskSpec.model_validate({**CLASSIFY, "quoting": "none"})
    assert usual.quoting == "minimal"
    assert "quoting" not in usual.model_dump() | usual.model_dump(mode="json")
    assert "quoting" not in usual.model_dump_json()
    assert plain.model_dump() == usual.model_dump() | {"quoting": "none"}
    for spec in (usual, plain):
        assert TaskSpec.model_validate_json(spec.model_dump_json()) == spec


def test_other_ways_to_quote_are_refused() -> None:
    with pytest.raises(ValidationError, match="'minimal' or 'none'"):
        TaskSpec.model_validate({**CLASSIFY, "quoting": "all"})

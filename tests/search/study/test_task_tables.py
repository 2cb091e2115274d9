"""Tables that describe tasks, and what is said about mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from search.parsing.mistakes import Mistakes
from search.study.task_tables import parse_tasks
from search.study.tasks import load_tasks

MINE = """\
[tasks.mood]
kind = "classify"
classes = ["sad", "glad"]
metric = "f1"
files = { train = "mood/train.tsv", dev = "mood/dev.tsv" }
columns = { sentences = ["text"], label = "mood" }
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tasks.toml"
    path.write_text(text)
    return path


def test_a_task_of_the_users_own(tmp_path: Path) -> None:
    task = load_tasks(written(tmp_path, MINE))["mood"]
    assert task.name == "mood"
    assert task.files.test is None
    assert task.columns.id == "id"
    assert task.prediction_column == "Prediction"


def test_an_id_column_that_is_left_out_named_or_none(tmp_path: Path) -> None:
    """What is recorded of a study is the same whether the default is named: earlier versions wrote it in both cases."""
    tasks = {
        given: load_tasks(written(tmp_path, MINE.replace("{ sentences", f"{{ {given} sentences")))["mood"]
        for given in ("", 'id = "id",', 'id = "number",', 'id = "none",')
    }
    assert [spec.columns.id for spec in tasks.values()] == ["id", "id", "number", None]
    assert [spec.columns.names_id for spec in tasks.values()] == [False, True, True, False]
    assert tasks[""] == tasks['id = "id",']
    assert tasks[""].columns.model_dump_json() == '{"id":"id","sentences":["text"],"label":"mood"}'
    assert tasks['id = "none",'].columns.model_dump_json() == '{"id":null,"sentences":["text"],"label":"mood"}'


KINDS = "must be one of classify, classify-pair, score, score-pair"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            '["text"]',
            '["mood"]',
            6,
            "tasks.mood.columns.sentences: has the label 'mood', which would be",
        ),
        ("metric", "metrik", 4, "tasks.mood.metrik: unknown key; did you mean 'metric'? Known: kind, files, columns, "),
        ("label =", "lable =", 6, "tasks.mood.columns.lable: unknown key; did you mean 'label'? Known: id, "),
        ("dev =", "valid =", 5, "tasks.mood.files.valid: unknown key; did you mean 'dev'? Known: train, dev, test"),
        ("classes", "labels", 3, "tasks.mood.labels: unknown key; did you mean 'classes'? Known: kind, "),
        ('"classify"', '"clasify"', 2, f"tasks.mood.kind: {KINDS}, got 'clasify'; did you mean 'classify'?"),
        (
            '"classify"',
            '"Classification"',
            2,
            f"tasks.mood.kind: {KINDS}, got 'Classification'; did you mean 'classify",
        ),
        ('"classify"', '"regression"', 2, f"tasks.mood.kind: {KINDS}, got 'regression'; did you mean 'score'?"),
        ('"classify"', '"sts"', 2, f"tasks.mood.kind: {KINDS}, got 'sts'; did you mean 'score-pair'?"),
        (
            '"classify"',
            '"sentence_pair_classification"',
            2,
            f"tasks.mood.kind: {KINDS}, got 'sentence_pair_classification'; did you mean 'classify-pair'?",
        ),
        (
            '"f1"',
            '"pearson"',
            1,
            "tasks.mood: metric 'pearson' does not suit a task of kind 'classify'; choose from accuracy, "
            "average_precision, f1, f1_positive, mcc, quadratic_kappa, roc_auc",
        ),
        (
            '"f1"',
            '"marco-f1"',
            4,
            "tasks.mood.metric: no metric 'marco-f1'; did you mean 'macro_f1'? Known for classify: accuracy, "
            "average_precision, f1, f1_positive, mcc, quadratic_kappa, roc_auc",
        ),
        ('"f1"', "3", 4, "tasks.mood.metric: must be the name of a metric, got 3"),
        ('["text"]', '["a", "b"]', 1, "tasks.mood: a task of kind 'classify' reads 1 sentence column(s)"),
        ('["text"]', "3", 6, "tasks.mood.columns.sentences: must be a list, got 3"),
        (
            "tasks.mood",
            "tasks.type",
            1,
            "tasks.type: a task cannot be called 'type', which torch uses; try 'type_task'",
        ),
        ("tasks.mood", "tasks.Mood", 1, "tasks.Mood: a task's name has only lower-case letters"),
        ('kind = "classify"', "", 1, "tasks.mood.kind: is missing; choose from classify, classify-pair, score, "),
        ('kind = "classify"', 'kind = "classify"\nname = "x"', 3, "tasks.mood.name: remove it"),
        ("[tasks.mood]", "[task.mood]", 1, "task: unknown key; a task file has only tables [tasks.NAME]"),
        ("[tasks.mood]", "[tasks.mood", 1, "not TOML: "),
    ],
)
def test_mistakes_name_the_place_the_key_and_the_rule(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    path = written(tmp_path, MINE.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        load_tasks(path)
    assert any(one.startswith(f"{path}:{line}: {message}") for one in str(error.value).splitlines()), error.value


def test_every_mistake_has_its_line() -> None:
    mistakes = Mistakes()
    assert parse_tasks({"one": {"kind": "score", "metrics": 1}, "two": 3}, mistakes) == {}
    with pytest.raises(UserError) as error:
        mistakes.raise_any()
    assert str(error.value).splitlines() == [
        "tasks.one.files: is missing",
        "tasks.one.columns: is missing",
        "tasks.one.metrics: unknown key; did you mean 'metric'? Known: kind, files, columns, classes, score_range, "
        "metric, prediction_column, written_as, split, quoting",
        "tasks.two: must be a table, got 3",
    ]

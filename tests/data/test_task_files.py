from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from data.task_files import builtin_tasks, load_tasks, parse_tasks
from data.tasks import Kind

MINE = """
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


def test_builtin_tasks_are_those_of_the_course() -> None:
    tasks = builtin_tasks()
    assert list(tasks) == ["sst", "para", "sts", "cfimdb"]
    assert [task.kind for task in tasks.values()] == [
        Kind.CLASSIFY,
        Kind.CLASSIFY_PAIR,
        Kind.SCORE_PAIR,
        Kind.CLASSIFY,
    ]
    assert tasks["sst"].classes[0] == "very negative"
    assert tasks["sst"].classes[4] == "very positive"
    assert tasks["para"].written_as == "float"
    assert tasks["sts"].score_range == (0.0, 5.0)
    assert tasks["sts"].prediction_column == "Predicted_Similiary"  # the course's spelling


def test_callers_cannot_change_the_builtin_tasks() -> None:
    builtin_tasks().clear()
    assert len(builtin_tasks()) == 4


def test_a_task_of_the_users_own(tmp_path: Path) -> None:
    task = load_tasks(written(tmp_path, MINE))["mood"]
    assert task.name == "mood"
    assert task.files.test is None
    assert task.columns.id == "id"
    assert task.prediction_column == "Prediction"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metric", "metrik", "tasks.mood.metrik: unknown key; did you mean 'metric'?"),
        ("label =", "lable =", "tasks.mood.columns.lable: unknown key; did you mean 'label'?"),
        ("dev =", "valid =", "tasks.mood.files.valid: unknown key; known: train, dev, test"),
        ('"classify"', '"clasify"', "tasks.mood.kind = 'clasify': must be one of classify, classify-pair, score, "),
        (
            '"f1"',
            '"pearson"',
            "tasks.mood: metric 'pearson' does not suit a task of kind 'classify'; choose from accuracy, "
            "average_precision, f1, f1_positive, mcc, quadratic_kappa, roc_auc",
        ),
        (
            '"f1"',
            '"marco-f1"',
            "tasks.mood.metric: no metric 'marco-f1'; did you mean 'macro_f1'? Known for classify: accuracy, "
            "average_precision, f1, f1_positive, mcc, quadratic_kappa, roc_auc",
        ),
        ('"f1"', "3", "tasks.mood.metric: must be the name of a metric, got 3"),
        ('["text"]', '["a", "b"]', "tasks.mood: a task of kind 'classify' reads 1 sentence column(s)"),
        ('["text"]', "3", "tasks.mood.columns.sentences = 3: input should be a valid tuple"),
        (
            "tasks.mood",
            "tasks.type",
            "tasks.type: a task cannot be called 'type', which torch uses; try 'type_task'",
        ),
        ("tasks.mood", "tasks.Mood", "[tasks.Mood]: a task's name has only lower-case letters"),
        ('kind = "classify"', "", "tasks.mood.kind: missing"),
        ('kind = "classify"', 'kind = "classify"\nname = "x"', "tasks.mood.name: remove it"),
        ("[tasks.mood]", "[task.mood]", "unknown key 'task': a task file has only tables [tasks.NAME]"),
    ],
)
def test_mistakes_name_the_file_the_key_and_the_rule(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = written(tmp_path, MINE.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        load_tasks(path)
    assert any(line.startswith(f"{path}: {message}") for line in str(error.value).splitlines()), error.value


def test_every_mistake_has_its_line() -> None:
    table = {"one": {"kind": "score", "metrics": 1}, "two": 3}
    with pytest.raises(UserError) as error:
        parse_tasks(table, "mine.toml")
    assert str(error.value).splitlines() == [
        "mine.toml: tasks.one.files: missing",
        "mine.toml: tasks.one.columns: missing",
        "mine.toml: tasks.one.metric: missing",
        "mine.toml: tasks.one.metrics: unknown key; did you mean 'metric'?; known: kind, files, columns, classes, "
        "score_range, metric, prediction_column, written_as",
        "mine.toml: tasks.two must be a table, got 3",
    ]


def test_files_without_a_task(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no tasks; describe at least one in a table \[tasks.NAME\]"):
        load_tasks(written(tmp_path, ""))
    with pytest.raises(UserError, match=r"absent.toml: cannot read the task file"):
        load_tasks(tmp_path / "absent.toml")

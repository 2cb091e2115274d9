"""Mistakes in the tasks of a study file."""

from pathlib import Path

import pytest

from data.errors import UserError
from search.study.file import load_study
from search.study.tasks import load_tasks
from tests.search.study_texts import message, write

SPACE = '[space]\n"optim.learning_rate" = [1e-5, 1e-4]\n'

MISTAKES = [
    ("trials = 3\n" + SPACE, "study.toml: tasks: is missing"),
    ("tasks = 3\n" + SPACE, "study.toml:1: tasks: must be a list of names, or tables [tasks.NAME]"),
    ("tasks = [3]\n" + SPACE, "study.toml:1: tasks: must be a list of names, or tables [tasks.NAME]"),
    ("tasks = []\n" + SPACE, "study.toml:1: tasks: is empty; name at least one task"),
    ('tasks = ["sst", "sst"]\n' + SPACE, "study.toml:1: tasks: 'sst' is listed twice"),
    (
        'tasks = ["stss"]\n' + SPACE,
        "study.toml:1: tasks: no task 'stss'; did you mean 'sts'? Known: sst, para, sts, cfimdb",
    ),
    (
        '[tasks.sts]\nkind = "classify"\nclasses = ["a", "b"]\nmetric = "f1"\nfiles = { train = "a", dev = "b" }\n'
        'columns = { sentences = ["s"], label = "l" }\n' + SPACE,
        "study.toml:1: tasks: task 'sts' already exists; choose another name",
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistakes_in_the_tasks(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected


def test_files_without_a_task(tmp_path: Path) -> None:
    file = tmp_path / "tasks.toml"
    file.write_text("")
    with pytest.raises(UserError, match=r"tasks.toml: tasks: describe at least one task in a table \[tasks.NAME\]$"):
        load_tasks(file)
    with pytest.raises(UserError, match=r"absent.toml: cannot read the task file"):
        load_tasks(tmp_path / "absent.toml")


TICKETS = """
[tasks.ticket]
kind = "classify"
classes = ["a", "b"]
metric = "accuracy"
columns = { sentences = ["text"], label = "label" }
"""


def test_folds_are_those_of_every_task(tmp_path: Path) -> None:
    other = TICKETS.replace("ticket", "other") + 'files = { train = "o.csv" }\nsplit = { test = 0.1, seed = 4 }\n'
    text = "folds = 5\n" + TICKETS + 'files = { train = "t.csv" }\n' + other + SPACE
    base = load_study(write(tmp_path, text)).base
    assert [base.tasks[name].spec.folds for name in ("ticket", "other")] == [5, 5]
    assert base.tasks["other"].spec.shares == {"test": 0.1}
    assert (base.models, base.examples) == (5, 5 * base.budget.examples)


def test_a_task_that_cannot_be_in_folds_next_to_one_that_can(tmp_path: Path) -> None:
    text = "folds = 5\n" + TICKETS + 'files = { train = "t.csv" }\n[tasks.sts]\n[tasks.odd]\nkind = 5\n' + SPACE
    with pytest.raises(UserError) as refused:
        load_study(write(tmp_path, text))
    lines = str(refused.value).splitlines()
    assert any("folds: task 'sts' has a dev file (sts-dev.csv)" in line for line in lines)
    assert any("tasks.odd" in line for line in lines)
    assert "number of folds" not in str(refused.value)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (
            'files = { train = "t.csv", dev = "d.csv" }',
            "task 'ticket' has a dev file (d.csv), but folds take dev out of the training file; add its rows to the "
            "training file and remove it, or remove folds",
        ),
        (
            'files = { train = "t.csv" }\nsplit = { dev = 0.2 }',
            "task 'ticket' has split.dev, which says which rows are dev, but in folds every row is dev once; remove "
            "one of them",
        ),
        (
            'files = { train = "t.csv" }\nsplit = { column = "part" }',
            "task 'ticket' has split.column, which says which rows are dev, but in folds every row is dev once; remove "
            "one of them",
        ),
    ],
)
def test_folds_and_rows_of_dev_are_refused(tmp_path: Path, task: str, reason: str) -> None:
    assert message(tmp_path, f"folds = 5\n{TICKETS}{task}\n{SPACE}") == f"study.toml:1: folds: {reason}"


def test_a_single_fold_is_refused(tmp_path: Path) -> None:
    text = "folds = 1\n" + TICKETS + 'files = { train = "t.csv" }\n' + SPACE
    assert message(tmp_path, text) == "study.toml:1: folds: must be at least 2, got 1"


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("[base.eval]\nearly_share = 0.5", "early_share: 0.5 cannot be combined with folds, which are parts already"),
        (
            "[base.tasks.ticket]\ndev_limit = 50",
            "dev_limit cannot be combined with folds, in which every row is scored",
        ),
        (
            '[base.augmentation.ticket.rephrased]\nmodel = "m"\nfraction = 0.5',
            "rephrased cannot be combined with folds: its rephrasings are of all training rows",
        ),
        ("[base.data]\nfold = 1", "base.data.fold: no such setting of a run"),
    ],
)
def test_settings_that_folds_rule_out(tmp_path: Path, base: str, reason: str) -> None:
    text = "folds = 5\n" + TICKETS + 'files = { train = "t.csv" }\n' + base + "\n" + SPACE
    assert reason in message(tmp_path, text)

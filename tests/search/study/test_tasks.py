"""Mistakes in the tasks of a study file."""

from pathlib import Path

import pytest

from data.errors import UserError
from search.study.tasks import load_tasks
from tests.search.study_texts import message

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

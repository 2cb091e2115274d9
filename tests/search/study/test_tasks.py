"""Mistakes in the tasks of a study file."""

from pathlib import Path

import pytest

from tests.search.study_texts import message

MISTAKES = [
    ("trials = 3\n[space]\n", "study.toml: tasks: is missing"),
    ("tasks = 3\n[space]", "study.toml:1: tasks: must be a list of names, or tables [tasks.NAME]"),
    ("tasks = [3]\n[space]", "study.toml:1: tasks: must be a list of names, or tables [tasks.NAME]"),
    ("tasks = []\n[space]", "study.toml:1: tasks: is empty; name at least one task"),
    ('tasks = ["sst", "sst"]\n[space]', "study.toml:1: tasks: 'sst' is listed twice"),
    (
        'tasks = ["stss"]\n[space]',
        "study.toml:1: tasks: no task 'stss'; did you mean 'sts'? Known: sst, para, sts, cfimdb",
    ),
    (
        '[tasks.sts]\nkind = "classify"\nclasses = ["a", "b"]\nmetric = "f1"\nfiles = { train = "a", dev = "b" }\n'
        'columns = { sentences = ["s"], label = "l" }\n[space]',
        "study.toml:1: tasks: task 'sts' already exists; choose another name",
    ),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistakes_in_the_tasks(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected

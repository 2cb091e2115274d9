from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from data.task_files import builtin_tasks
from data.tasks import TAKEN_NAMES, TaskName
from search.init.task_names import task_name


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("Größe ärger!", "grosse_arger"),
        ("2024", "task_2024"),
        ("sst", "sst_task"),
        ("train", "train_task"),
        ("日本", "task"),
    ],
)
def test_names(key: str, expected: str) -> None:
    assert task_name(key, Path("folder"), ()) == expected


def test_the_folder_names_files_that_are_called_after_splits_alone() -> None:
    assert task_name("", Path("my data"), ()) == "my_data"


@given(st.lists(st.text(max_size=60), max_size=5))
def test_every_name_is_valid_and_new(keys: list[str]) -> None:
    taken: list[str] = []
    for key in [*keys, *keys]:
        name = task_name(key, Path("folder"), taken)
        TypeAdapter(TaskName).validate_python(name)
        assert name not in {*taken, *TAKEN_NAMES, *builtin_tasks()}
        taken.append(name)

from pathlib import Path

import pytest

from data.errors import UserError
from search.init.data_files import TaskFiles, data_folder, task_files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*names: str, give: str = ".") -> list[TaskFiles]:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return task_files([Path(give)])


def names(files: TaskFiles) -> list[str | None]:
    return [None if path is None else path.name for path in (files.train, files.dev, files.test)]


@pytest.mark.parametrize(
    "given",
    [
        ["mood-train.csv", "mood-dev.csv", "mood-test.csv"],
        ["train.csv", "validation.csv", "test.csv"],
        ["train-00000-of-00001.parquet", "validation-00000-of-00001.parquet", "test-00000-of-00001.parquet"],
        ["ids-sst-train.csv", "ids-sst-dev.csv", "ids-sst-test-student.csv"],
        ["moodTrain.jsonl.gz", "moodVal.jsonl", "moodTesting.tsv"],
    ],
)
def test_the_splits_of_a_task(given: list[str], folder: Path) -> None:
    (task,) = found(*given, "notes.md", ".hidden.csv")
    assert names(task) == given
    for name in given:
        assert task_files([Path(name)]) == [task], "any of the files leads to the others"
    assert task_files([folder]) == [task]


def test_tasks_of_a_folder() -> None:
    tasks = found("a-train.csv", "a-dev.csv", "b.csv", "b-test.csv", "trainers.csv", "below/c.csv")
    assert {task.key: names(task) for task in tasks} == {
        "a": ["a-train.csv", "a-dev.csv", None],
        "b": ["b.csv", None, "b-test.csv"],
        "trainers": ["trainers.csv", None, None],
    }
    assert data_folder(tasks) == Path()
    assert data_folder(task_files([Path("below/c.csv")])) == Path("below")
    assert data_folder(task_files([Path("below/../below/c.csv"), Path("b.csv")])) == Path()


def test_a_whole_file_next_to_its_training_file() -> None:
    found("a.csv", "a-train.csv", "a-dev.csv", give="a.csv")
    (task,) = task_files([Path("a.csv")])
    assert names(task) == ["a.csv", None, None]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["x-test.csv"], "'x-test.csv' is named like a test file, and no training file is next to it"),
        (["x-dev.csv", "x-val.csv", "x.csv"], "'x-dev.csv' and 'x-val.csv' could both be the dev file of one task"),
        (["x.csv", "x-train.csv"], "could both be the train file of one task"),
        (["notes.md"], "has no data files"),
    ],
)
def test_files_that_are_no_task(given: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        found(*given)


def test_a_misspelt_name() -> None:
    Path("tickets.csv").touch()
    with pytest.raises(UserError, match=r"no file or folder 'tickts.csv'; did you mean 'tickets.csv'\?"):
        task_files([Path("tickts.csv")])


def test_splits_of_a_hub_data_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = folder / "cache" / "org--glue@v1--mnli"
    cached.mkdir(parents=True)
    for split in ("train", "validation_matched", "validation_mismatched", "test_matched", "other"):
        (cached / f"{split}.parquet").touch()
    Path("own").mkdir()
    Path("own/mood-train.csv").touch()
    monkeypatch.setattr("search.init.data_files.fetch_hub_set", lambda _: cached)
    own, task = task_files([Path("hub:org/glue@v1/mnli"), Path("own")])
    assert names(task) == ["train.parquet", "validation_matched.parquet", "test_matched.parquet"]
    assert (task.key, task.hub_set) == ("mnli", "hub:org/glue@v1/mnli")
    assert data_folder([own, task]) == Path("own")
    assert data_folder([task]) is None
    (cached / "train.parquet").unlink()
    with pytest.raises(UserError, match="has no split for training"):
        task_files([Path("hub:org/glue@v1/mnli")])

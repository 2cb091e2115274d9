"""A study goes on with the rows that it began with, whatever their bytes, and names what has changed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from core.config import RunConfig
from data.errors import UserError
from search.preflight.data import DataReport, check_data
from search.preflight.study_inputs import StudyInputs
from search.recorded.data_files import check_same_data, check_same_training_data, record_data, refuse_other_data
from search.recorded.study import FORK

ROWS = {
    "train": ["1,a fine film,pos", '2,"a bad, bad film",neg', "3,good,pos"],
    "dev": ["4,fine,pos", "5,bad,neg"],
    "test": ["6,fine,", "7,bad,"],
}


def test_other_pairs_are_not_trained_on_again() -> None:
    """Sources of further examples depend on a configuration; a file of pairs does not."""

    def inputs(pairs: str, **more: str) -> StudyInputs:
        return StudyInputs(data_parts={"pretraining.nli_file": {"nli.csv": pairs, **more}, "mood": {"extra": pairs}})

    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), study_name="begun")
    check_same_training_data(study, inputs("a"))  # of an earlier version
    record_data(study, inputs("a"))
    check_same_training_data(study, inputs("a", other="c"))
    check_same_training_data(study, StudyInputs())
    with pytest.raises(UserError, match=r"^the file nli\.csv of pretraining\.nli_file has changed since study 'begun'"):
        check_same_training_data(study, inputs("b"))


@pytest.mark.parametrize(("content", "examples", "refused"), [("b", "y", True), ("b", "x", False), ("a", "y", False)])
def test_other_further_examples_are_not_trained_on_again(content: str, examples: str, refused: bool) -> None:
    """A configuration may use fewer of the same examples, and a file may hold the same ones in other bytes."""
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), study_name="begun")
    record_data(study, StudyInputs(data_parts={"mood": {"train": "t", "extra": "x"}}, files={"extra.csv": "a"}))
    now = StudyInputs(data_parts={"mood": {"train": "t", "extra": examples}}, files={"extra.csv": content, "new": "c"})
    if not refused:
        check_same_training_data(study, now)
        return
    with pytest.raises(
        UserError, match=r"^the file extra\.csv of further examples has changed since study 'begun' began"
    ):
        check_same_training_data(study, now)


class Files:
    """A task's files, and the study that began with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for split, rows in ROWS.items():
            self.write(split, rows)
        self.study = optuna.create_study(storage=optuna.storages.InMemoryStorage(), study_name="begun")

    def write(self, split: str, rows: list[str], encode: Callable[[str], bytes] = str.encode) -> None:
        (self.folder / f"{split}.csv").write_bytes(encode("\n".join(["id,text,mood", *rows]) + "\n"))

    def report(self, **changes: object) -> DataReport:
        spec = {
            "name": "mood",
            "kind": "classify",
            "files": {split: f"{split}.csv" for split in ROWS},
            "columns": {"sentences": ["text"], "label": "mood"},
            "classes": ["neg", "pos"],
            "metric": "accuracy",
            **changes,
        }
        config = {"tasks": {"mood": {"spec": spec}}, "data": {"directory": str(self.folder)}}
        return check_data(RunConfig.model_validate(config))

    def begin(self, *, with_parts: bool = True) -> None:
        inputs = self.report().inputs
        record_data(self.study, inputs if with_parts else replace(inputs, data_parts=None))

    def refusals(self) -> list[str]:
        """How the study and commands that use its predictions refuse the files as they are now."""
        inputs, found = self.report().inputs, []
        for refuse in (
            lambda: refuse_other_data(self.study, inputs, FORK),
            lambda: check_same_data(self.study, inputs),
        ):
            try:
                refuse()
            except UserError as error:
                found.append(str(error))
        return found


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: text.replace("fine", '"fine"').replace('a "fine" film', '"a fine film"').encode(),
        lambda text: text.encode() + b",,\n\n",
    ],
)
def test_other_bytes_are_no_change(files: Files, encode: Callable[[str], bytes]) -> None:
    files.begin()
    for split, rows in ROWS.items():
        files.write(split, rows, encode)
    assert files.report().digest != files.study.user_attrs["data_digest"]
    assert files.refusals() == []


def test_another_test_file_is_no_change(files: Files) -> None:
    files.begin()
    files.write("test", [*ROWS["test"], "8,new,"])
    assert files.refusals() == []
    (files.folder / "test.csv").unlink()
    report = files.report(files={"train": "train.csv", "dev": "dev.csv"})
    refuse_other_data(files.study, report.inputs, FORK)


@pytest.mark.parametrize(
    ("split", "rows"),
    [
        ("train", [*ROWS["train"], "9,new,pos"]),
        ("train", ROWS["train"][::-1]),
        ("dev", ["4,fine,neg", "5,bad,pos"]),
        ("dev", ["4,fine ,pos", "5,bad,neg"]),
    ],
)
def test_other_rows_are_named_by_task_and_split(files: Files, split: str, rows: list[str]) -> None:
    files.begin()
    files.write(split, rows)
    assert files.refusals() == [
        f"the data have changed since study 'begun' began: {split} of task 'mood'; start a new study with --name NEW, "
        "or undo the change",
        f"the data files have changed since study 'begun' began ({split} of task 'mood'), so its predictions do not "
        "belong to them; use --data to name the folder with the original files",
    ]


def test_splits_are_compared_before_further_examples_are_known(files: Files) -> None:
    files.begin()
    files.write("dev", ["4,fine,neg", "5,bad,pos"])
    splits = replace(files.report().inputs, data_digest=None)
    with pytest.raises(UserError, match=r"^the data have changed since study 'begun' began: dev of task 'mood'; "):
        refuse_other_data(files.study, splits, FORK)
    refuse_other_data(files.study, replace(splits, splits_digest=None), FORK)


def test_a_study_of_an_earlier_version_knows_bytes_only(files: Files) -> None:
    files.begin(with_parts=False)
    assert files.refusals() == []
    files.write("test", [*ROWS["test"], "8,new,"])
    study, predictions = files.refusals()
    note = "the study began with a version to which other line ends and another test file are changes too"
    assert study == (
        "the data files, or further examples, have changed since study 'begun' began; start a new study with --name "
        f"NEW, or undo the change; {note}"
    )
    assert predictions.endswith(f"to name the folder with the original files; {note}")


def test_it_knows_rows_from_its_next_resumption_on(files: Files) -> None:
    files.begin(with_parts=False)
    files.begin()
    files.write("test", [*ROWS["test"], "8,new,"])
    assert files.refusals() == []


def test_the_same_bytes_are_the_same_data_even_if_read_differently(files: Files) -> None:
    files.begin()
    report = replace(files.report(), parts={"mood": {"train": "as a later version reads it"}})
    refuse_other_data(files.study, report.inputs, FORK)
    check_same_data(files.study, report.inputs)

"""Files of a data folder are found by name; those of another split are no substitute."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UnavailableError, UserError
from data.files import file_digests, read_bytes, split_path
from data.task_files import builtin_tasks

SST = builtin_tasks()["sst"]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"no data folder '.*absent'; it should contain ids-sst-train.csv"):
        split_path(SST, tmp_path / "absent", "train")


def test_no_file(tmp_path: Path) -> None:
    (tmp_path / "ids-sst-train.tsv").touch()
    with pytest.raises(UnavailableError, match=r"task 'sst': no train file '.*'; did you mean 'ids-sst-train.tsv'\?"):
        split_path(SST, tmp_path, "train")


@pytest.mark.parametrize(
    ("others", "hint"),
    [
        (("mood-train.csv", "mood-test.csv"), ""),  # another split is no substitute
        (("mood-train.csv", "mood-dev.tsv"), "; did you mean 'mood-dev.tsv'?"),
        (("mood-training.csv", "mood-validation.csv"), "; did you mean 'mood-validation.csv'?"),
        (("latest.csv",), ""),
    ],
)
def test_only_files_of_the_split_are_suggested(tmp_path: Path, others: tuple[str, ...], hint: str) -> None:
    for name in others:
        (tmp_path / name).touch()
    spec = SST.model_copy(update={"files": SST.files.model_copy(update={"dev": "mood-dev.csv"})})
    with pytest.raises(UserError) as caught:
        split_path(spec, tmp_path, "dev")
    assert str(caught.value) == f"task 'sst': no dev file '{tmp_path / 'mood-dev.csv'}'{hint}"


def test_no_test_file_in_the_task(tmp_path: Path) -> None:
    spec = SST.model_copy(update={"files": SST.files.model_copy(update={"test": None})})
    with pytest.raises(UserError, match=r"task 'sst' has no test file; set files.test"):
        split_path(spec, tmp_path, "test")


def test_digests_of_the_files_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\n")
    digest = "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"  # printf 'x\n' | sha256sum
    assert file_digests(tmp_path, ["a.csv", "b.csv"]) == {"a.csv": digest}
    (tmp_path / "a.csv").unlink()
    (tmp_path / "a.csv").mkdir()
    assert file_digests(tmp_path, ["a.csv"]) == {}


def test_a_file_that_cannot_be_read_may_be_back_in_a_moment(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=f"{tmp_path}: cannot read the file: Is a directory"):
        read_bytes(tmp_path)

"""A run is trained on the data that its study began with, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.config import RunConfig
from core.inputs.data_content import DataContent, nli_contents
from core.inputs.pinned_data import check_pinned_data
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import train
from data.errors import MachineError, UnavailableError
from data.reading import read_split

MakeConfig = Callable[..., RunConfig]


@dataclass
class Pinned:
    """A run of sst whose data are a copy of their own, and its folder, which names them."""

    config: RunConfig
    folder: RunFolder
    cache: Path
    data: Path

    def pin(self, **files: str) -> None:
        spec = self.config.tasks["sst"].spec
        rows = {split: read_split(spec, self.data, split).digest for split in ("train", "dev", "test")}
        self.folder.write_data(DataContent({"sst": rows}, files).to_json())

    def file(self, split: str) -> Path:
        return self.data / str(getattr(self.config.tasks["sst"].spec.files, split))

    def change(self, split: str) -> bytes:
        """Exchange the first two rows of a split, and return what was there before."""
        content = self.file(split).read_bytes()
        header, one, two, *rest = content.splitlines(keepends=True)
        self.file(split).write_bytes(b"".join([header, two, one, *rest]))
        return content

    def check(self, resources: Resources | None = None) -> None:
        check_pinned_data(self.config, self.folder, resources or Resources(self.cache))

    def refusal(self, resources: Resources | None = None) -> str:
        with pytest.raises(UnavailableError) as caught:
            self.check(resources)
        return str(caught.value)


@pytest.fixture
def make(small_config: MakeConfig, corpus: Path, tmp_path: Path) -> Callable[..., Pinned]:
    def made(**sections: Any) -> Pinned:
        data = Path(shutil.copytree(corpus, tmp_path / "data"))
        (data / "more.csv").write_text("id,sentence,sentiment\nx,a fine day,4\n")
        config = small_config(("sst",), data={"directory": str(data)}, **sections)
        return Pinned(config, RunFolder(tmp_path / "run"), tmp_path / "cache", data)

    return made


def words(*changed: str) -> str:
    return (
        f"the data have changed since the study began: {', '.join(changed)}, so trials could not be compared; put the "
        "original files back"
    )


def test_changed_splits_are_waited_for(make: Callable[..., Pinned]) -> None:
    """The process that read them asks again, and finds the original files when they are back."""
    run = make()
    run.pin()
    run.check()
    resources, train_file, dev_file = Resources(run.cache), run.change("train"), run.change("dev")
    assert run.refusal(resources) == words("train of task 'sst'", "dev of task 'sst'")
    # Not "encoder 'scratch' has changed", though its vocabulary is made from them.
    with pytest.raises(UnavailableError, match="the data have changed"):
        train(run.config, run.folder.path, resources, NullRunObserver())
    run.file("train").write_bytes(train_file)
    assert run.refusal(resources) == words("dev of task 'sst'")
    run.file("dev").write_bytes(dev_file)
    run.check(resources)


def test_what_is_no_change(make: Callable[..., Pinned]) -> None:
    """Other line ends, and a test file that no trial is trained on."""
    run = make()
    run.pin()
    run.change("test")
    run.file("dev").write_bytes(run.file("dev").read_bytes().replace(b"\n", b"\r\n"))
    run.check()


def test_a_process_keeps_what_it_has_read(make: Callable[..., Pinned]) -> None:
    run = make()
    run.pin()
    resources = Resources(run.cache)
    run.check(resources)
    run.change("dev")
    run.check(resources)
    assert run.refusal() == words("dev of task 'sst'")


@pytest.mark.parametrize(
    ("sections", "named"),
    [
        ({"augmentation": {"sst": {"extra": {"path": "more.csv", "fraction": 1.0}}}}, "further examples of task 'sst'"),
        (
            {"pretraining": {"nli": {"examples": 8}, "nli_file": {"path": "more.csv"}}},
            "pretraining.nli_file",
        ),
    ],
)
def test_other_files_are_compared_by_their_bytes(
    make: Callable[..., Pinned], sections: dict[str, Any], named: str
) -> None:
    run = make(**sections)
    run.pin(**{"more.csv": "0" * 64, "of another trial.csv": "0" * 64})
    assert run.refusal() == words(f"the file more.csv of {named}")
    (run.data / "more.csv").unlink()
    run.check()  # whoever reads it says that it is missing


def test_an_nli_file_that_no_stage_reads_is_not_compared(make: Callable[..., Pinned]) -> None:
    assert nli_contents(make(pretraining={"nli_file": {"path": "more.csv"}}).config) == {}


def test_runs_of_earlier_versions_have_no_record(make: Callable[..., Pinned]) -> None:
    run = make()
    run.file("dev").unlink()
    run.check()


@pytest.mark.parametrize("damaged", ["", "[]", json.dumps({"rows": {}})])
def test_a_damaged_record_is_the_machines_fault(make: Callable[..., Pinned], damaged: str) -> None:
    run = make()
    run.folder.path.mkdir()
    run.folder.data.write_text(damaged)
    with pytest.raises(MachineError) as caught:
        run.check()
    assert str(caught.value) == (
        f"{run.folder.data}: the file is damaged, so it is unknown which data the run began with; delete it to "
        "continue with the present data"
    )

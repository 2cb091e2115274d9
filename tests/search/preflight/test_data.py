"""What is found in a study's data before it starts: sizes, warnings, digests and faults."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from stub_study import SPEC

from core.config import DataConfig, RunConfig
from data.errors import UserError
from data.reading import MalformedRowsError
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks
from search.preflight.data import check_data, listing_faults, with_synthetic_data
from search.study.spec import SyntheticSpec

SST = builtin_tasks()["sst"]


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    write_corpus(tmp_path / "data", train=30, dev=10, test=5, seed=0)
    return RunConfig.model_validate({"tasks": {"sst": {"spec": SST}}, "data": {"directory": str(tmp_path / "data")}})


def file(config: RunConfig, split: str) -> Path:
    name = getattr(SST.files, split)
    return Path(config.data.directory) / name


def test_sizes_and_the_digest_of_the_files(config: RunConfig) -> None:
    report = check_data(config)
    assert report.sizes == {"sst": {"train": 30, "dev": 10, "test": 5}}
    splits = ("train", "dev", "test")
    content = b"".join(f"sst {split} ".encode() + file(config, split).read_bytes() for split in splits)
    assert report.digest == report.splits_digest == hashlib.sha256(content).hexdigest()
    assert report.further == ()
    file(config, "test").write_bytes(file(config, "test").read_bytes() + b"\n")
    assert check_data(config).digest != report.digest


def test_a_task_without_a_test_file(config: RunConfig) -> None:
    tree = config.model_dump()
    tree["tasks"]["sst"]["spec"]["files"]["test"] = None
    assert check_data(RunConfig.model_validate(tree)).sizes == {"sst": {"train": 30, "dev": 10}}


def test_splits_that_are_taken_out_of_the_training_file(config: RunConfig) -> None:
    tree, train = config.model_dump(), SST.files.train
    tree["tasks"]["sst"]["spec"] |= {"files": {"train": train}, "split": {"dev": 0.2, "test": 0.1}}
    report = check_data(RunConfig.model_validate(tree))
    assert sum(report.sizes["sst"].values()) == 30
    text = report.describe("sst")
    assert f"dev (out of {train})" in text
    assert f"test (out of {train})" in text
    assert f"train (out of {train})" not in text


def test_dev_sentences_that_are_in_train_are_a_warning(config: RunConfig) -> None:
    file(config, "dev").write_bytes(file(config, "train").read_bytes())
    warning = next(line for line in check_data(config).warnings if " dev sentences" in line)
    assert warning.startswith("sst: ")
    assert warning.endswith("are also in train; scores on dev may be too high")


def test_a_file_with_malformed_rows_lists_them_all(config: RunConfig, tmp_path: Path) -> None:
    lines = file(config, "dev").read_text().splitlines()
    file(config, "dev").write_text("\n".join([lines[0], *(line.rpartition("\t")[0] + "\tx" for line in lines[1:])]))
    with pytest.raises(MalformedRowsError):
        check_data(config)
    with pytest.raises(UserError) as refused:
        check_data(config, tmp_path / "faults.txt")
    assert str(refused.value).endswith(f"; all are listed in {tmp_path / 'faults.txt'}")
    assert len((tmp_path / "faults.txt").read_text().splitlines()) == 10


def test_faults_are_listed_only_if_there_are_any(tmp_path: Path) -> None:
    with listing_faults(tmp_path / "faults.txt"):
        pass
    with pytest.raises(UserError, match=r"^another one$"), listing_faults(tmp_path / "faults.txt"):
        raise UserError("another one")
    assert not (tmp_path / "faults.txt").exists()


def test_a_corpus_of_another_study_is_made_again_where_it_was(tmp_path: Path) -> None:
    base = SPEC.base.model_copy(update={"data": DataConfig(directory=str(tmp_path / "runs" / "other" / "corpus"))})
    spec = replace(SPEC, base=base, corpus=SyntheticSpec(train=20, dev=6, test=4))
    assert with_synthetic_data(spec, tmp_path / "runs") is spec
    assert len((tmp_path / "runs" / "other" / "corpus" / "ids-sst-dev.csv").read_text().splitlines()) == 7
    assert spec.identity() == replace(spec, corpus=None).identity()


def test_a_synthetic_corpus_is_written_below_the_runs_folder(tmp_path: Path) -> None:
    own = replace(SPEC, base=SPEC.base.model_copy(update={"data": DataConfig(directory="mine")}))
    assert with_synthetic_data(own, tmp_path) is own
    assert not list(tmp_path.iterdir())
    spec = with_synthetic_data(replace(own, synthetic=SyntheticSpec(train=20, dev=6, test=4)), tmp_path)
    assert spec.base.data.directory == str(tmp_path / "stub" / "corpus")
    assert check_data(spec.base).sizes == {"sst": {"train": 20, "dev": 6, "test": 4}}

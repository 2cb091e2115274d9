import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.reading import RawSplit, read_split
from data.synthetic.corpus import LARGEST, TASKS, write_corpus
from data.task_files import builtin_tasks

ROOT = Path(__file__).resolve().parents[3]
SPECS = {task: builtin_tasks()[task] for task in TASKS}
FILES = sorted(str(name) for spec in SPECS.values() for name in (spec.files.train, spec.files.dev, spec.files.test))


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("corpus")
    write_corpus(directory, train={"sst": 3000, "para": 2000, "sts": 1000}, dev=300, test=200, seed=3)
    return directory


@pytest.fixture(scope="module")
def splits(corpus: Path) -> dict[str, dict[str, RawSplit]]:
    return {
        task: {split: read_split(spec, corpus, split) for split in ("train", "dev", "test")}
        for task, spec in SPECS.items()
    }


def test_is_read_like_the_course_data(splits: dict[str, dict[str, RawSplit]]) -> None:
    for task, size in (("sst", 3000), ("para", 2000), ("sts", 1000)):
        read = splits[task]
        assert [len(read[split].ids) for split in ("train", "dev", "test")] == [size, 300, 200]
        assert not any(raw.skipped for raw in read.values())
        assert read["test"].labels is None


def test_has_the_headers_of_the_course_files(corpus: Path, course_data: Path) -> None:
    for name in FILES:
        with (corpus / name).open() as ours, (course_data / name).open() as theirs:
            assert ours.readline() == theirs.readline()
            # The same columns below it; the course starts some of its sentences with a space.
            assert len(ours.readline().split("\t")) == len(theirs.readline().split("\t"))


def test_no_sentence_and_no_id_occurs_twice(splits: dict[str, dict[str, RawSplit]]) -> None:
    for read in splits.values():
        sentences = [sentence for raw in read.values() for example in raw.sentences for sentence in example]
        ids = [i for raw in read.values() for i in raw.ids]
        assert len(set(sentences)) == len(sentences)
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch("[0-9a-f]{25}", i) for i in ids)


def test_labels_are_balanced_like_real_ones(splits: dict[str, dict[str, RawSplit]]) -> None:
    sst, para, sts = (splits[task]["train"].labels for task in TASKS)
    assert sst is not None
    assert para is not None
    assert sts is not None
    shares = np.bincount(sst, minlength=5) / len(sst)
    # Shares drawn, after a tenth of the labels moved to a neighbour; standard error below 0.01.
    np.testing.assert_allclose(shares, [0.13, 0.256, 0.198, 0.26, 0.149], atol=0.035)
    assert para.mean() == pytest.approx(0.4 * 0.96 + 0.6 * 0.04, abs=0.04)
    assert sts.min() == 0.0
    assert sts.max() == 5.0
    assert np.histogram(sts, bins=5, range=(0, 5))[0].min() > 0.1 * len(sts)


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    write_corpus(tmp_path / "here", train=60, dev=20, test=10, seed=7)
    sizes = ["--train", "60", "--dev", "20", "--test", "10", "--seed", "7"]
    process = subprocess.run(
        [sys.executable, "-m", "data.synthetic", "--out", str(tmp_path / "there"), *sizes],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "5"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "60 / 20 / 10" in process.stdout
    assert contents(tmp_path / "here") == contents(tmp_path / "there")
    write_corpus(tmp_path / "other", train=60, dev=20, test=10, seed=8)
    other = contents(tmp_path / "other")
    assert all(contents(tmp_path / "here")[name] != other[name] for name in FILES)


def test_a_larger_train_set_begins_with_the_smaller(tmp_path: Path) -> None:
    write_corpus(tmp_path / "small", train=50, dev=20, test=10)
    write_corpus(tmp_path / "large", train=90, dev=20, test=10)
    small, large = contents(tmp_path / "small"), contents(tmp_path / "large")
    for name in FILES:
        assert large[name].startswith(small[name])
        assert (large[name] == small[name]) == ("train" not in name)


def test_does_not_touch_the_global_generator(tmp_path: Path) -> None:
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002  (that nobody used it is what is tested)
    write_corpus(tmp_path, train=20, dev=5, test=5)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_an_identical_corpus_is_kept_and_a_damaged_one_repaired(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=20, dev=5, test=5)
    before = contents(tmp_path)
    stamps = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write_corpus(tmp_path, train=20, dev=5, test=5)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == stamps
    (tmp_path / "sts-dev.csv").write_text("cut")
    (tmp_path / "quora-dev.csv").unlink()
    write_corpus(tmp_path, train=20, dev=5, test=5)
    assert contents(tmp_path) == before


def test_a_stopped_run_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path, train=20, dev=5, test=5)
    before = contents(tmp_path)
    replace = Path.replace

    def stop_at_para(self: Path, target: Path) -> Path:
        if target.name == "quora-train.csv":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stop_at_para)
    with pytest.raises(KeyboardInterrupt):
        write_corpus(tmp_path, train=30, dev=5, test=5)
    stopped = contents(tmp_path)
    assert set(stopped) == set(before)  # no scratch file either
    assert stopped["quora-train.csv"] == before["quora-train.csv"]
    assert stopped["ids-sst-train.csv"] != before["ids-sst-train.csv"]
    monkeypatch.undo()
    write_corpus(tmp_path, train=30, dev=5, test=5)
    assert len((tmp_path / "quora-train.csv").read_text().splitlines()) == 31


def test_never_overwrites_real_data(tmp_path: Path) -> None:
    (tmp_path / "quora-dev.csv").write_text("mine")
    with pytest.raises(UserError, match=r"quora-dev\.csv' is not synthetic and would be overwritten"):
        write_corpus(tmp_path, train=5, dev=5, test=5)
    assert contents(tmp_path) == {"quora-dev.csv": b"mine"}


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            {"train": LARGEST, "dev": 1, "test": 1},
            r"^sst: train, dev and test together must have at most 200,000 examples, got 200,002$",
        ),
        (
            {"train": {"sst": 5, "para": 5, "sts": LARGEST}, "dev": 1, "test": 1},
            "^sts: train, dev and test together must have at most",
        ),
        ({"train": 5, "dev": 0, "test": 1}, "^dev size of sst must be >= 1, got 0$"),
        ({"train": 5, "dev": 1, "test": {"sst": 5}}, "^test must have the sizes of exactly sst, para, sts, got sst$"),
        ({"train": 5, "dev": 1, "test": 1, "seed": -1}, "^seed must be >= 0, got -1$"),
    ],
)
def test_refuses(tmp_path: Path, sizes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        write_corpus(tmp_path / "new", **sizes)  # type: ignore[arg-type]  # one parameter list for all cases
    assert not (tmp_path / "new").exists()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^cannot create the folder"):
        write_corpus(tmp_path / "file", train=5, dev=5, test=5)


def test_command_line_reports_bad_sizes() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "data.synthetic", "--out", "unused", "--train", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2
    assert process.stderr == "error: train size of sst must be >= 1, got 0\n"


@pytest.mark.slow
def test_fifty_thousand_examples_of_every_task(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=50_000, dev=1, test=1)
    for task, spec in SPECS.items():
        sentences = [s for example in read_split(spec, tmp_path, "train").sentences for s in example]
        assert len(set(sentences)) == 50_000 * (2 if spec.kind.is_pair else 1), task

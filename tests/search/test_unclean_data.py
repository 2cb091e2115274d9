"""Data as people have it, at the command line: what is read, counted, refused and predicted, and what is a change."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer

from search import run
from search.ensemble import __main__ as ensemble
from search.export import __main__ as export
from search.report import __main__ as report
from search.score import __main__ as score
from tests.search.study_texts import TINY_BASE

STUDY = f"""\
trials = 2
sampler = {{ name = "tpe", n_startup_trials = 2 }}
[tasks.mood]
kind = "classify"
files = {{ train = "mood-train.csv", dev = "mood-dev.csv", test = "mood-test.csv" }}
columns = {{ id = "id", sentences = ["text"], label = "mood" }}
classes = ["neg", "pos"]
metric = "accuracy"
{TINY_BASE}
[space]
"optim.learning_rate" = {{ low = 1e-4, high = 1e-2, log = true }}
"""
TEST_ROWS, EMPTY = 1500, 700

Rows = list[list[str]]


def write(path: Path, rows: Rows, header: Sequence[str] = ("id", "text", "mood")) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")


def rows_of(path: Path) -> Rows:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))[1:]


@dataclass
class Project:
    """A copy of the data, and the finished study, which is not changed."""

    study: Path
    data: Path
    runs: Path
    study_text: str = STUDY

    def file(self, split: str) -> Path:
        return self.data / f"mood-{split}.csv"

    def change(self, split: str, change: Callable[[Rows], object]) -> None:
        rows = rows_of(self.file(split))
        change(rows)
        write(self.file(split), rows)

    def search(self, name: str = "mood", *, table: str = "") -> None:
        """Run the study, which is over; under another name, with a further line in its task."""
        file = self.data / "mood.toml"
        file.write_text(self.study_text.replace("[tasks.mood]\n", f"[tasks.mood]\n{table}\n"))
        run.main(study=str(file), name=name, data=self.data, runs_dir=self.runs)

    def survey(self, name: str, capsys: pytest.CaptureFixture[str], *, table: str = "") -> str:
        """Begin a study, and stop it before its first trial; return what is printed."""
        with pytest.MonkeyPatch.context() as patch, pytest.raises(typer.Exit):
            patch.setattr("search.console.session.StudySession.train", _stop)
            self.search(name, table=table)
        return capsys.readouterr().out

    def predictions(self) -> list[str]:
        with (self.data / "out" / "predictions" / "mood-test-output.csv").open(newline="") as file:
            return [row["id"] for row in csv.DictReader(file)]


def _stop(*_: object) -> None:
    raise typer.Exit(0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    words, rng = np.array(["film", "plot", "cast", "is", "was", "a", "the", "slow", "warm"]), np.random.default_rng(0)
    for split, size in (("train", 120), ("dev", 40), ("test", TEST_ROWS)):
        texts = [" ".join(rng.choice(words, 6)) for _ in range(size)]
        if split == "test":
            texts[EMPTY] = ""
        rows = [[f"{split}{n}", text, ["neg", "pos"][n % 2]] for n, text in enumerate(texts)]
        write(root / f"mood-{split}.csv", rows)
    (root / "mood.toml").write_text(STUDY)
    run.main(study=str(root / "mood.toml"), data=root, runs_dir=root / "runs", quiet=True)
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Project:
    for file in finished.glob("mood-*.csv"):
        shutil.copy(file, tmp_path)
    return Project(finished / "mood.toml", tmp_path, finished / "runs")


def refusal(call: Callable[[], object], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    with pytest.raises(typer.Exit) as caught:
        call()
    assert caught.value.exit_code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line.removeprefix("error: ")


def test_every_test_id_gets_a_prediction(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.search()
    assert "data:   mood: 120 train, 40 dev, 1,500 test (1 without text)\n" in capsys.readouterr().out
    export.main(study="mood", data=project.data, runs_dir=project.runs, out=project.data / "out")
    assert project.predictions() == [row[0] for row in rows_of(project.file("test"))]


def test_a_test_row_that_cannot_be_read_is_named_by_whatever_predicts(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.change("test", lambda rows: rows.__setitem__(9, ["", "without an id", "pos"]))
    project.search()
    out = capsys.readouterr().out
    assert "warning: skipped mood-test.csv:11: id is empty\n" in out
    assert "warning: mood: test rows that cannot be read get no prediction; correct them before search.export\n" in out
    options: dict[str, Any] = {"data": project.data, "runs_dir": project.runs, "out": project.data / "out"}
    for predict in (
        lambda: export.main(study="mood", **options),
        lambda: export.main(study="mood", ensemble=2, **options),
        lambda: ensemble.main(study="mood", trials="0,1", **options),
        lambda: ensemble.main(study="mood", trials="0,1", soup="uniform", **options),
    ):
        assert refusal(predict, capsys) == (
            "task 'mood': a row of the test file cannot be read, and would have no prediction: mood-test.csv:11: id is "
            "empty; correct the file, and export again"
        )
    assert not (project.data / "out").exists()


def test_the_same_rows_in_other_bytes_are_no_change(project: Project) -> None:
    project.file("train").write_bytes(gzip.compress(project.file("train").read_bytes().replace(b"\n", b"\r\n")))
    project.file("dev").write_bytes(project.file("dev").read_text().encode("utf-16"))
    project.change("test", lambda rows: rows.append(["new", "a new row", ""]))
    project.search()


def test_the_same_rows_in_other_formats_are_no_change(project: Project) -> None:
    for split, is_lines in (("train", True), ("dev", False)):
        objects = [dict(zip(("id", "text", "mood"), row, strict=True)) for row in rows_of(project.file(split))]
        text = "".join(f"{json.dumps(one)}\n" for one in objects) if is_lines else json.dumps(objects, indent=1)
        project.file(split).write_text(text)
    if find_spec("pyarrow"):
        pd.DataFrame(objects).to_parquet(project.file("dev"))
    project.search()


def test_no_ids_from_the_study_file_to_the_predictions(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Train has ids, which are used; dev and test are numbered; and so are the labels of test."""
    project.study_text = STUDY.replace('id = "id", ', "")
    for split in ("dev", "test"):
        write(project.file(split), [row[1:] for row in rows_of(project.file(split))], header=["text", "mood"])
    project.search("numbered")
    assert "data:   mood: 120 train, 40 dev, 1,500 test (1 without text)\n" in capsys.readouterr().out
    project.search("numbered")  # recorded and read back
    options: dict[str, Any] = {"data": project.data, "runs_dir": project.runs}
    export.main(study="numbered", out=project.data / "out", **options)
    assert project.predictions() == [str(number) for number in range(TEST_ROWS)]
    report.main(study="numbered", runs_dir=project.runs)
    errors = pd.read_csv(project.runs / "numbered" / "report" / "errors-mood.csv")
    assert sorted(errors["id"]) == list(range(40))
    score.main(labels=project.data, predictions=project.data / "out", study="numbered", runs_dir=project.runs)


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_changed_row_is_named(project: Project, split: str, capsys: pytest.CaptureFixture[str]) -> None:
    project.change(split, lambda rows: rows[3].__setitem__(1, "another text"))
    assert refusal(project.search, capsys).startswith(
        f"the data have changed since study 'mood' began: {split} of task 'mood'; run with --restart"
    )


def test_quoting_is_a_setting(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(lambda: project.search(table='quoting = "none"'), capsys)
    assert (
        "study 'mood' was started with other settings: base.tasks.mood.spec.quoting: was not set, is now none" in said
    )


def one_class(rows: Rows) -> None:
    for row in rows:
        row[2] = "neg"


def lone_quotes(data: Path) -> None:
    rows = [["1", '"Great film', "pos"], ["2", "awful", "neg"], ["3", 'that was it "', "neg"]]
    (data / "mood-train.csv").write_text("".join("\t".join(row) + "\n" for row in [["id", "text", "mood"], *rows]))


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "lone quotes": (
        lone_quotes,
        "mood-train.csv: 3 of 3 rows are malformed, but at most 0.1 % may be skipped; fix them: mood-train.csv:2: the "
        "quote that opens in line 2 closes in line 4, and 3 of these 3 lines look like rows; if quotes are plain text",
    ),
    "zip": (lambda data: (data / "mood-dev.csv").write_bytes(b"PK\3\4\0"), "mood-dev.csv: the file is a zip archive"),
    "xlsx": (
        lambda data: (data / "mood-dev.csv").write_bytes(b"PK\3\4 [Content_Types].xml"),
        "mood-dev.csv: the file is an Excel workbook (.xlsx); save the sheet as CSV in UTF-8",
    ),
    "json": (
        lambda data: (data / "mood-dev.csv").write_text('{"id": 1, "text": "a", "mood": "neg"}\n{"id": 2\n'),
        "mood-dev.csv: 1 of 2 rows are malformed, but at most 0.1 % may be skipped; fix them: mood-dev.csv:2: not ",
    ),
    "no id": (
        lambda data: (data / "mood-dev.csv").write_text("text,mood\na,neg\nb,pos\n"),
        "mood-dev.csv: no column 'id'; the header has 'text', 'mood'",  # which the study names
    ),
    "latin-1": (
        lambda data: (data / "mood-dev.csv").write_bytes("id,text,mood\n1,schön,neg\n".encode("latin-1")),
        "mood-dev.csv:2: byte 0xf6 is not UTF-8; in Latin-1 it is 'ö': save the file as UTF-8",
    ),
    "dev of one class": (
        lambda data: write(data / "mood-dev.csv", [["1", "fine", "pos"], ["2", "good", "pos"]]),
        "mood-dev.csv: all 2 dev examples are of the class 'pos', so that accuracy cannot rank trials",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_refused(project: Project, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    spoil, words = SPOILT[name]
    spoil(project.data)
    assert words in refusal(lambda: project.search("other"), capsys)


def test_what_is_counted(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts over two lines, empty rows and texts, a long cell, and a class that is alone."""
    project.change("train", one_class)
    project.change("train", lambda rows: rows.append(["", "", ""]))
    project.change("train", lambda rows: rows[0].__setitem__(1, "two\nlines"))
    project.change("train", lambda rows: rows[1].__setitem__(1, " "))
    project.change("dev", lambda rows: rows[0].__setitem__(1, "long " * 40_000))
    out = project.survey("counted", capsys)
    train = "1 over several lines, 1 more left out because a text is empty, 1 empty row ignored"
    assert f"data:   mood: 119 train ({train}), 40 dev, 1,500 test (1 without text)\n" in out
    assert "warning: skipped mood-train.csv:4: text is empty\n" in out
    assert "warning: mood: all 119 train examples are of the class 'neg'\n" in out


def test_quotes_that_are_plain_text(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    lone_quotes(project.data)
    assert "data:   mood: 3 train, 40 dev" in project.survey("plain", capsys, table='quoting = "none"')

"""Exported predictions on test labels: how labels are found and matched, and what is shown next to the estimate."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from core.config import TaskConfig
from core.statistics import Expectation, overall_score, own_metric
from data.errors import UserError
from data.reading import texts_digest
from data.task_files import builtin_tasks
from search.analysis.measured_scores import MeasuredScore, verdict
from search.score.__main__ import find_predictions, main
from search.trials.prediction_files import prediction_values, read_predictions, write_predictions, write_split

SPECS = {task: builtin_tasks()[task] for task in ("sst", "sts")}
IDS = [f"e{number}" for number in range(60)]
EXPECTED = {
    "overall": {"dev": 0.88, "expected": 0.85, "low": 0.8, "high": 0.9},
    "sst": {"dev": 0.7, "expected": 0.3, "low": 0.2, "high": 0.31},
    "sts": {"dev": 0.7, "expected": 0.9, "low": 0.89, "high": 0.91},
    "selected_from": {"trials": 4, "checkpoints": 9},
    "resamples": 1000,
}


class Exported:
    """Predictions and provenance as search.export leaves them, and a folder with labels."""

    def __init__(self, root: Path) -> None:
        rng = np.random.default_rng(0)
        self.folder, self.labels = root / "export", root / "labels"
        self.labels.mkdir()
        self.gold = {"sst": rng.integers(5, size=60), "sts": rng.uniform(0, 5, 60).astype(np.float32)}
        noise = rng.dirichlet(np.ones(5), 60)
        self.predicted = {
            "sst": (0.3 * np.eye(5)[self.gold["sst"]] + noise).astype(np.float32),
            "sts": (self.gold["sts"] + rng.normal(size=60)).astype(np.float32),
        }
        for task, spec in SPECS.items():
            write_split(self.folder, spec, "test", IDS, self.predicted[task])
        self.write_labels("ids-sst-test-student.csv", "\tid\tsentence\tsentiment", "0\t{id}\tfine\t{sst}")
        self.write_labels("sts-labels.csv", "id,similarity", "{id},{sts}")
        self.describe(tasks={t: TaskConfig(spec=s).model_dump(mode="json") for t, s in SPECS.items()})

    def write_labels(self, name: str, header: str, row: str, order: int = -1) -> None:
        """Write labels in an order other than that of the predictions."""
        values = [
            row.format(id=i, sst=c, sts=s) for i, c, s in zip(IDS, self.gold["sst"], self.gold["sts"], strict=True)
        ]
        (self.labels / name).write_text("\n".join([header, *values[::order]]) + "\n")

    def describe(self, **provenance: Any) -> None:
        (self.folder / "predictions" / "provenance.json").write_text(json.dumps({"trial": 3, **provenance}))

    def score(self, task: str, places: slice = slice(None)) -> float:
        return own_metric(SPECS[task], self.predicted[task][places], self.gold[task][places])

    @property
    def overall(self) -> float:
        return overall_score({t: self.score(t) for t in SPECS}, SPECS, dict.fromkeys(SPECS, 1.0))


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    return Exported(tmp_path)


Printed = Callable[..., str]


@pytest.fixture
def printed(exported: Exported, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Return what the command prints."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(**options: Any) -> str:
        main(**{"labels": exported.labels, "predictions": exported.folder, **options})
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(exported: Exported, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Return the line of the error with which it ends."""

    def run(**options: Any) -> str:
        with pytest.raises(typer.Exit) as ended:
            main(**{"labels": exported.labels, "predictions": exported.folder, **options})
        assert ended.value.exit_code == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.count("\n") == 1
        return shown.err

    return run


def test_scores_next_to_the_estimate(exported: Exported, printed: Printed) -> None:
    exported.describe(
        expected=EXPECTED, tasks={t: TaskConfig(spec=s).model_dump(mode="json") for t, s in SPECS.items()}
    )
    shown = printed()
    assert f"{exported.score('sst'):.4f} ±" in shown
    assert f"{exported.score('sts'):.4f} ±" in shown
    assert f"Overall on test {exported.overall:.4f}, on dev 0.8800, expected 0.8500 [" in shown
    verdicts = {line.split()[0]: line for line in shown.splitlines() if "±" in line}
    assert "above the interval" in verdicts["sst"]
    assert "inside the interval" in verdicts["overall"]


def test_without_an_estimate(exported: Exported, printed: Printed) -> None:
    shown = printed(predictions=exported.folder / "predictions")
    assert f"{exported.overall:.4f} ±" in shown
    assert "expected" not in shown


def test_without_any_provenance_file_names_say_the_tasks(exported: Exported, printed: Printed) -> None:
    (exported.folder / "predictions" / "provenance.json").unlink()
    assert f"{exported.overall:.4f} ±" in printed()


@pytest.mark.parametrize("text", ["fine", "other"])
def test_labels_of_other_texts_are_told(exported: Exported, printed: Printed, text: str) -> None:
    """A test file whose ids are row numbers may have been replaced since the export."""
    exported.describe(
        tasks={t: TaskConfig(spec=s).model_dump(mode="json") for t, s in SPECS.items()},
        test_texts_sha256={"sst": texts_digest((one, [text]) for one in IDS), "sts": "of two sentences"},
    )
    said = "sst: the texts of .*ids-sst-test-student.csv are not those that were predicted for, although their ids are"
    assert (re.search(said, printed()) is None) == (text == "fine")


def test_ids_are_matched_and_what_is_missing_is_named(exported: Exported, printed: Printed) -> None:
    values = prediction_values(SPECS["sst"], exported.predicted["sst"])
    path = exported.folder / "predictions" / "sst-test-output.csv"
    write_predictions(path, SPECS["sst"], [*IDS[2:], "other"], [*values[2:], "3"])
    shown = printed()
    assert f"{exported.score('sst', slice(2, None)):.4f} ±" in shown
    assert f"sst: 2 ids (e1, e0) of {exported.labels / 'ids-sst-test-student.csv'} not in {path}" in shown
    assert f"sst: 1 id (other) of {path} without a label" in shown


def test_a_task_without_labels(exported: Exported, printed: Printed) -> None:
    """A test file without its label column has no label, and neither has an empty cell."""
    exported.write_labels("ids-sst-test-student.csv", "\tid\tsentence", "0\t{id}\tfine")
    shown = printed()
    assert "there is no ids-sst-test-student.csv or sst-test-labels.csv or sst-labels.csv" in shown
    assert "no overall score: not all tasks have labels" in shown
    exported.write_labels("sst.csv", "id,label", "{id},{sst}")
    lines = (exported.labels / "sst.csv").read_text().splitlines()
    (exported.labels / "sst.csv").write_text("\n".join([*lines[:-1], "e0,"]))
    shown = printed()
    assert f"{exported.score('sst', slice(1, None)):.4f} ±" in shown
    assert "1 id (e0)" in shown


def test_labels_need_no_header(exported: Exported, printed: Printed) -> None:
    exported.write_labels("sts-labels.csv", f"{IDS[0]},{exported.gold['sts'][0]}", "{id},{sts}")
    lines = (exported.labels / "sts-labels.csv").read_text().splitlines()
    (exported.labels / "sts-labels.csv").write_text("\n".join(lines[:-1]))
    shown = printed()
    assert f"{exported.score('sts'):.4f} ±" in shown
    assert "left out" not in shown


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("sts-labels.csv", "id,similarity\ne0,7\n", "sts-labels.csv:2: score must be within 0 to 5, got 7"),
        ("sts-labels.csv", "id,similarity\ne0,1\ne0,2\n", "sts-labels.csv:3: the id 'e0' occurs twice"),
        ("sts-labels.csv", "id,similarity\ne0\n", "sts-labels.csv:2: 1 cell, but the header has 2"),
        ("sts-labels.csv", "id,similarity\nx,1\n", "none of its ids ('x', ...) is in"),
        ("sts-labels.csv", "id,similarity\ne0,\n", "sts-labels.csv: contains no labels"),
        (
            "sts-labels.csv",
            "number,similarity,more\n1,1,1\n",
            "sts-labels.csv: no column 'id'; the header has 'number',",
        ),
    ],
)
def test_labels_that_cannot_be_used(
    exported: Exported, refused: Printed, name: str, content: str, message: str
) -> None:
    (exported.labels / name).write_text(content)
    assert message in refused()


def test_what_is_not_there(exported: Exported, refused: Printed, tmp_path: Path) -> None:
    assert "no such folder; it should contain each task's test file, or TASK-labels.csv" in refused(
        labels=tmp_path / "nowhere"
    )
    (tmp_path / "empty").mkdir()
    assert "there is no ids-sst-test-student.csv or" in refused(labels=tmp_path / "empty")
    assert "no test predictions (TASK-test-output.csv) there" in refused(predictions=tmp_path)
    assert "which predictions? give --study NAME" in refused(predictions=None)
    assert "--study x: no study here: there is no " in refused(predictions=None, study="x", runs_dir=tmp_path)
    (tmp_path / "x").mkdir()
    assert "python -m search.export --study x writes them" in refused(predictions=None, study="x", runs_dir=tmp_path)
    (exported.folder / "predictions" / "provenance.json").write_text("{")
    assert "provenance.json: cannot be read" in refused()


@pytest.mark.parametrize("task", ["sst", "para", "sts", "cfimdb"])
@pytest.mark.parametrize("written_as", ["name", "index", "float"])
def test_predictions_are_read_as_they_were_written(tmp_path: Path, task: str, written_as: str) -> None:
    spec = builtin_tasks()[task].model_copy(update={"written_as": written_as})
    rng = np.random.default_rng(0)
    predictions = rng.uniform(0, 5, 9) if spec.kind.is_score else rng.dirichlet(np.ones(len(spec.classes)), 9)
    ids = [f"a, {number}" for number in range(9)]
    write_predictions(tmp_path / "p.csv", spec, ids, prediction_values(spec, predictions))
    found_ids, found = read_predictions(tmp_path / "p.csv", spec)
    assert found_ids == ids
    if spec.kind.is_score:
        assert found == pytest.approx(predictions, abs=1e-6)
    else:
        assert np.array_equal(found, np.eye(len(spec.classes))[predictions.argmax(axis=1)])


@pytest.mark.parametrize("line", ["e1 , 7 ", "e1 , good", "e1", " , 3", "e1 , 2.5"])
def test_lines_that_are_not_predictions(exported: Exported, refused: Printed, line: str) -> None:
    path = exported.folder / "predictions" / "sst-test-output.csv"
    path.write_text(f"id \t Predicted_Sentiment \ne0 , 1 \n{line}\n")
    assert f"{path}: the file is damaged or was changed" in refused()
    path.with_name("checksums.json").unlink()
    assert f"{path}:3: not a line 'id , prediction' of task 'sst'" in refused()


def test_verdicts() -> None:
    """A test score is off by chance too: half widths of 0.03 and 0.04 make 0.05 together."""
    expected = Expectation(0.75, 0.70, 0.67, 0.73)
    for score, words in [
        (0.73, "inside the interval"),
        (0.66, "below the interval, by no more than chance in the test examples"),
        (0.745, "above the interval, by no more than chance in the test examples"),
        (0.64, "below the interval"),
        (0.76, "above the interval"),
    ]:
        assert verdict(MeasuredScore(score, 0.04, 100), expected) == words


def test_predictions_are_found_in_the_folder_or_below_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no test predictions .* there; python -m search.export --study x writes them"):
        find_predictions(tmp_path, "x")
    folder = tmp_path / "predictions"
    folder.mkdir()
    (folder / "sst-test-output.csv").touch()
    assert find_predictions(tmp_path, None) == find_predictions(folder, None) == folder

"""Tasks that only the user knows: plain CSV and TSV files, a study file, no code; down to predictions."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.search.study.mood_study import WORDS, base_of, day

Run = Callable[..., subprocess.CompletedProcess[str]]

STUDY = f"""
tasks = {{ mood = {{}}, closeness = {{}} }}
task_files = ["tasks.toml"]
trials = 2
{base_of(["mood", "closeness"], siamese=["closeness"])}
[base.tasks.mood]
score_weight = 3.0

[space]
"heads.mood.dropout" = [0.0, 0.1]
"""

TASKS = """
[tasks.mood]
kind = "classify"
files = { train = "mood-train.csv", dev = "mood-dev.csv", test = "mood-test.csv" }
columns = { id = "number", sentences = ["text"], label = "mood" }
classes = ["sad", "neutral", "happy"]
metric = "f1"

[tasks.closeness]
kind = "score-pair"
files = { train = "close.tsv", dev = "close-dev.tsv" }
columns = { sentences = ["a", "b"], label = "score", id = "id" }
score_range = [-1, 1]
metric = "spearman"
"""


def write_data(folder: Path) -> None:
    rng = np.random.default_rng(0)
    names = list(WORDS)
    for split, size in (("train", 300), ("dev", 60), ("test", 30)):
        with (folder / f"mood-{split}.csv").open("w", newline="") as file:
            writer = csv.writer(file)  # commas in the text are quoted, lines end in CRLF
            writer.writerow(["number", "text", *(["mood"] if split != "test" else [])])
            for number in range(size):
                mood = names[rng.integers(3)]
                text = f"{split} {number}, {day(rng, mood)}"
                writer.writerow([number, text, *([mood] if split != "test" else [])])
    for name, size in (("close", 300), ("close-dev", 60)):
        with (folder / f"{name}.tsv").open("w", newline="") as file:
            tsv = csv.writer(file, delimiter="\t")
            tsv.writerow(["id", "a", "b", "score"])
            for number in range(size):
                first, second = rng.choice(names, 2)
                score = 1 - abs(names.index(first) - names.index(second))
                tsv.writerow(
                    [number, f"a {rng.choice(WORDS[first])} day", f"one {rng.choice(WORDS[second])} day", score]
                )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, run_command: Run) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.toml").write_text(STUDY)
    (folder / "tasks.toml").write_text(TASKS)
    (folder / "data").mkdir()
    write_data(folder / "data")
    done = run_command(
        "search.run", "--study", folder / "own.toml", "--data", folder / "data", "--runs-dir", folder / "runs"
    )
    assert done.returncode == 0, done.stderr
    assert "mood f1" in done.stdout
    assert "closeness spearman" in done.stdout
    done = run_command("search.export", "--study", "own", "--runs-dir", folder / "runs")
    assert done.returncode == 0, done.stderr
    return folder


def test_they_are_learnt_and_weighted(folder: Path) -> None:
    dev = json.loads((folder / "runs/own/export/model/provenance.json").read_text())["dev"]
    assert dev["mood"] > 0.9
    assert dev["closeness"] > 0.5
    assert dev["overall"] == pytest.approx((3 * dev["mood"] + (1 + dev["closeness"]) / 2) / 4)


def test_classes_are_predicted_by_name(folder: Path, run_command: Run) -> None:
    predictions = folder / "runs/own/export/predictions"
    table = pd.read_csv(predictions / "mood-test-output.csv")
    assert table.columns.tolist() == ["id", "prediction", *(f"probability_{name}" for name in WORDS)]
    assert table["id"].tolist() == list(range(30))
    assert set(table["prediction"]) == set(WORDS)
    probabilities = table.iloc[:, 2:].to_numpy()
    assert np.allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-6)
    assert table["prediction"].tolist() == [list(WORDS)[index] for index in probabilities.argmax(axis=1)]
    assert pd.read_csv(predictions / "closeness-dev-output.csv").columns.tolist() == ["id", "prediction"]
    # the second task has no test file
    assert sorted(path.name for path in predictions.glob("*.csv")) == [
        "closeness-dev-output.csv",
        "mood-dev-output.csv",
        "mood-test-output.csv",
    ]
    model = folder / "runs/own/export/model"
    done = run_command("search.predict", "--model-dir", model, "--task", "mood", input="a sunny and warm day\n")
    assert done.stdout == "happy\n"


def test_every_bad_row_is_named_by_file_and_line(folder: Path, tmp_path: Path, run_command: Run) -> None:
    (tmp_path / "data").mkdir()
    for path in (folder / "data").iterdir():
        (tmp_path / "data" / path.name).write_bytes(path.read_bytes())
    bad = tmp_path / "data" / "mood-dev.csv"
    lines = bad.read_text().splitlines()
    for number in range(7, 12):
        lines[number] = lines[number].rsplit(",", 1)[0] + ",hapy"
    bad.write_text("\n".join(lines) + "\n")
    done = run_command(
        "search.run", "--study", folder / "own.toml", "--data", tmp_path / "data", "--runs-dir", tmp_path
    )
    assert done.returncode == 2
    assert "mood-dev.csv:8: " in done.stderr
    assert "hapy" in done.stderr
    listed = (tmp_path / "own" / "malformed-rows.txt").read_text().splitlines()
    assert [line.split(": ")[0] for line in listed] == [f"mood-dev.csv:{line}" for line in range(8, 13)]
    assert "all are listed in" in done.stderr
    assert "Traceback" not in done.stderr

"""Scenario: tasks with other metrics than the built-in ones go through run, report, export and score.

One of the metrics is a file that only a copy of ``data/metrics`` has: a new metric is one file and nothing else.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from tests.data.metrics.new_metric import SOURCE
from tests.search.study.mood_study import base_of, day

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
Command = Callable[..., subprocess.CompletedProcess[str]]

TASKS = {
    "mood": ('kind = "classify"\nclasses = ["sad", "happy"]', "MCC", "mood"),
    "sure": ('kind = "classify"\nclasses = ["sad", "happy"]', "auc", "mood"),
    "close": ('kind = "score"\nscore_range = [0, 4]', "rmse", "score"),
    "near": ('kind = "score"\nscore_range = [0, 4]', "within-one", "score"),
}  # name: its kind, metric and column of labels


def task_table(name: str) -> str:
    kind, metric, label = TASKS[name]
    return f"""
[tasks.{name}]
{kind}
metric = "{metric}"
files = {{ train = "train.csv", dev = "dev.csv", test = "test.csv" }}
columns = {{ id = "number", sentences = ["text"], label = "{label}" }}
"""


STUDY = f"""
trials = 3
sampler = "grid"
pruner = "none"
{"".join(map(task_table, TASKS))}{base_of(TASKS)}
[space]
"optim.learning_rate" = [5e-3, 1e-7]

[floors]
close = {{ score = 1.8, from = 0 }}
"""


def write_data(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for split, size in (("train", 300), ("dev", 60), ("test", 40)):
        with (folder / f"{split}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["number", "text", "mood", "score"])
            for number in range(size):
                mood = ("sad", "happy")[rng.integers(2)]
                text = f"{split} {number}, {day(rng, mood)}"
                writer.writerow([number, text, mood, 4 if mood == "happy" else 0])


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Run a command of a copy of the code whose ``data/metrics`` has one file more."""
    code = tmp_path_factory.mktemp("code")
    for package in ("core", "data", "search", "studies"):  # copies, since search expects the others next to itself
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    source = SOURCE.format(name="within_one", label="within one", aliases=())
    (code / "data" / "metrics" / "within_one.py").write_text(source, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(code)}

    def run(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", module, *map(str, arguments)]
        done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment, cwd=code)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, command: Command) -> Path:
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "measured.toml").write_text(STUDY)
    (folder / "data").mkdir()
    write_data(folder / "data")
    study, data, runs = folder / "measured.toml", folder / "data", folder / "runs"
    done = command("search.run", "--study", study, "--data", data, "--runs-dir", runs)
    for name in ("mood mcc", "sure roc_auc", "close rmse", "near within_one"):
        assert name in done.stdout
    command("search.export", "--study", "measured", "--runs-dir", runs)
    return folder


def dev_scores(trained: Path) -> dict[str, float]:
    provenance = json.loads((trained / "runs/measured/export/predictions/provenance.json").read_text())
    found: dict[str, float] = provenance["dev"]
    return found


def test_all_of_them_are_learnt_and_count_on_a_scale_from_0_to_1(trained: Path) -> None:
    dev = dev_scores(trained)
    assert dev["mood"] > 0.8
    assert dev["sure"] > 0.9
    assert 0 < dev["close"] < 1.8
    shares = ((1 + dev["mood"]) / 2, dev["sure"], 1 - dev["close"] / 4, dev["near"])
    assert dev["overall"] == pytest.approx(sum(shares) / 4)


def test_a_run_above_the_ceiling_is_pruned(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    (storage,) = (trained / "runs").rglob("*.db")
    study = optuna.load_study(study_name="measured", storage=f"sqlite:///{storage}")
    pruned = [trial for trial in study.trials if trial.state.name == "PRUNED"]
    assert pruned
    for trial in pruned:
        assert "close " in trial.user_attrs["reason"]
        assert "is above its ceiling of 1.8 at " in trial.user_attrs["reason"]


def test_the_report_shows_them_by_their_labels(trained: Path, command: Command) -> None:
    command("search.report", "--study", "measured", "--runs-dir", trained / "runs")
    (page,) = (trained / "runs" / "measured").rglob("report.md")
    text = page.read_text(encoding="utf-8")
    for label in ("MCC", "ROC AUC", "RMSE", "within one", "RMSE on training examples"):
        assert label in text
    assert "nan" not in text.lower().split()


def test_exported_predictions_give_the_test_scores(trained: Path, command: Command) -> None:
    folder = trained / "runs/measured/export/predictions"
    assert sorted(path.name for path in folder.glob("*-probabilities.csv")) == [
        "sure-dev-probabilities.csv",
        "sure-test-probabilities.csv",
    ]
    with (trained / "data" / "test.csv").open(newline="") as file:
        gold = [row["mood"] == "happy" for row in csv.DictReader(file)]
    with (folder / "sure-test-probabilities.csv").open(newline="") as file:
        happy = [float(row["happy"]) for row in csv.DictReader(file)]
    with (folder / "mood-test-output.csv").open(newline="") as file:
        moods = [row["prediction"] for row in csv.DictReader(file)]
    shown = command(
        "search.score", "--study", "measured", "--labels", trained / "data", "--runs-dir", trained / "runs"
    ).stdout
    assert f"{roc_auc_score(gold, happy):.4f} ±" in shown
    assert f"{matthews_corrcoef(gold, [mood == 'happy' for mood in moods]):.4f} ±" in shown


def test_without_probabilities_a_metric_of_them_is_left_out_with_a_note(trained: Path, command: Command) -> None:
    (trained / "runs/measured/export/predictions/sure-test-probabilities.csv").unlink()
    shown = command(
        "search.score", "--study", "measured", "--labels", trained / "data", "--runs-dir", trained / "runs"
    ).stdout
    assert "sure: roc_auc needs class probabilities, and there is no " in shown

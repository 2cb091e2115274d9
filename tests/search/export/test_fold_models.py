"""A study over folds: its dev predictions are out of fold, and its models are exported and predict together."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest

import search
from core.inputs.best_model import load_best_model, model_runs
from core.inputs.dev_gold import dev_examples
from core.inputs.resources import Resources
from core.model_files.calibration_file import load_calibration
from core.model_files.ensemble_folder import load_shares
from core.run.run_folder import RunFolder
from core.statistics.temperature import at_temperature
from search.recorded.ranking import best_trial
from search.storage.open import open_recorded
from search.trials.record import FinishedTrial
from tests.core.fold_cases import write_rows

Run = Callable[..., subprocess.CompletedProcess[str]]

STUDY = """
trials = 3
folds = 3
keep_models = 2
pruner = "none"
[tasks.mood]
kind = "classify"
classes = ["a", "b"]
metric = "accuracy"
files = { train = "rows.csv", test = "test.csv" }
columns = { sentences = ["text"], label = "label" }
[base.model]
encoder = "scratch"
scratch = { vocab_size = 500, hidden_size = 16, intermediate_size = 32 }
[base.budget]
examples = 160
batch_size = 20
[base.eval]
rungs = 2
[base.compute]
device = "cpu"
threads = 1
[space]
"optim.learning_rate" = { low = 1e-3, high = 1e-2, log = true }
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, run_command: Run) -> Path:
    """Return the folder of a finished and exported study."""
    folder = tmp_path_factory.mktemp("folds")
    write_rows(folder / "data")
    (folder / "data" / "test.csv").write_text("id,text,label\nt0,w1 w2 yes yes,\nt1,w3 w4 no no,\n")
    (folder / "small.toml").write_text(STUDY)
    places = ("--runs-dir", folder / "runs")
    done = run_command("search.run", "--study", folder / "small.toml", "--data", folder / "data", *places)
    assert done.returncode == 0, done.stderr
    assert "budget: 3 trials of up to 480 training examples (3 folds), dev scored at 80, 160, 240" in done.stdout
    for command in ("search.export", "search.report"):
        done = run_command(command, "--study", "small", *places)
        assert done.returncode == 0, done.stderr
    return folder


def best_of(finished: Path) -> tuple[FinishedTrial, RunFolder]:
    storage = open_recorded(None, finished / "runs")
    trial = best_trial(optuna.load_study(study_name="small", storage=storage))
    assert trial is not None
    return FinishedTrial.read(trial), RunFolder(finished / "runs" / "small" / f"trial-{trial.number:04d}")


def test_every_training_row_has_one_dev_prediction(finished: Path) -> None:
    record, run = best_of(finished)
    dev = dev_examples(record.config, "mood")
    written = pd.read_csv(finished / "runs/small/export/predictions/mood-dev-output.csv")
    assert written["id"].tolist() == dev.ids
    stored = np.load(run.predictions("mood", 480))
    temperature = load_calibration(finished / "runs/small/export/model")["mood"].temperature
    assert temperature != 1.0
    calibrated = at_temperature(stored, temperature)[:, 1]
    assert written["probability_b"].to_numpy() == pytest.approx(calibrated, abs=1e-5)
    right = written["prediction"].to_numpy() == np.array(["a", "b"])[np.asarray(dev.labels)]
    assert dev.folds is not None
    mean = np.mean([right[dev.folds == fold].mean() for fold in range(3)])
    assert record.result.scores["mood"] == pytest.approx(mean)
    assert record.overall == pytest.approx(mean)


def test_the_exported_models_predict_together(finished: Path) -> None:
    record, run = best_of(finished)
    model = finished / "runs/small/export/model"
    assert {place.name: share for place, share in load_shares(model)["mood"].items()} == pytest.approx(
        {f"fold-{fold}": 1 / 3 for fold in range(3)}
    )
    written = pd.read_csv(finished / "runs/small/export/predictions/mood-test-output.csv")
    texts = pd.read_csv(finished / "data" / "test.csv")["text"].tolist()
    found = search.load_model(model, device="cpu").predict(texts, "mood")
    assert found.values.tolist() == written["prediction"].tolist()
    provenance = json.loads((finished / "runs/small/export/predictions/provenance.json").read_text())
    assert provenance["folds"] == 3
    assert provenance["dev"]["mood"] == pytest.approx(record.result.scores["mood"])
    resources = Resources(finished / "runs" / "cache")
    for folder, own in model_runs(run, record.config):
        assert load_best_model(folder, own, resources).config.data.fold == own.data.fold


def test_models_of_the_worst_trial_are_not_kept(finished: Path) -> None:
    runs = [RunFolder(finished / "runs" / "small" / f"trial-{number:04d}") for number in range(3)]
    kept = [any(file.exists() for file in run.model_files) for run in runs]
    (worst,) = (run for run, is_kept in zip(runs, kept, strict=True) if not is_kept)
    assert len(worst.folds) == 3
    assert not any(file.exists() for file in worst.model_files)
    assert worst.predictions("mood", 480).is_file()


def test_the_report_is_written_from_out_of_fold_predictions(finished: Path) -> None:
    text = (finished / "runs/small/report/report.md").read_text()
    assert "Scores are means over the folds that are trained so far" in text
    assert "The best dev score is optimistic, but by how much cannot be estimated" not in text
    errors = pd.read_csv(finished / "runs/small/report/errors-mood.csv")
    assert len(errors) <= 61
    curves = pd.read_csv(finished / "runs/small/report/curves.csv")
    assert curves["dev_share"].max() == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["search.export", "--format", "transformers"],
            "error: --format cannot write the 3 models of the folds, which predict together; leave it out\n",
        ),
        (
            ["search.ensemble", "--soup", "greedy"],
            "error: --soup greedy needs one model of each trial, and these have one for each fold; average their "
            "predictions instead (--trials or --greedy)\n",
        ),
    ],
)
def test_what_folds_rule_out(finished: Path, run_command: Run, arguments: list[str], message: str) -> None:
    done = run_command(arguments[0], "--study", "small", "--runs-dir", finished / "runs", *arguments[1:])
    assert (done.returncode, done.stderr) == (2, message)

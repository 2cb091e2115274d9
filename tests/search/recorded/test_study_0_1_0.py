"""A study that version 0.1.0 recorded before its modules moved: it opens, resumes, and exports.

``study_0_1_0/runs.tar.xz`` holds its database and trial folders as SIGKILL left them: three ended trials, and a fourth
with a checkpoint after the first of four rungs. Nothing of it may be recreated by newer code.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import optuna
import pytest

RECORDED = Path(__file__).parent / "study_0_1_0"
ROOT = Path(__file__).resolve().parents[3]


def search(folder: Path, name: str, *arguments: object) -> str:
    """Run a command in the folder, as a user would: the study's paths are relative to it."""
    done = subprocess.run(
        [sys.executable, "-m", f"search.{name}", *map(str, arguments)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rungs(folder: Path, trial: int) -> list[dict[str, object]]:
    lines = (folder / f"runs/recorded/trial-{trial:04}/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder after ``search.run --trials 4``, which had one trial left to finish."""
    folder = tmp_path_factory.mktemp("recorded")
    with tarfile.open(RECORDED / "runs.tar.xz") as archive:
        archive.extractall(folder / "runs", filter="data")
    before = [rungs(folder, trial) for trial in range(4)]
    (folder / "recorded.toml").write_bytes((RECORDED / "recorded.toml").read_bytes())
    search(folder, "run", "--study", "recorded.toml", "--trials", 4, "--quiet")
    after = [rungs(folder, trial) for trial in range(4)]
    assert after[:3] == before[:3]
    assert after[3][:1] == before[3]  # it continued from its checkpoint
    assert [rung["rung"] for rung in after[3]] == [400, 800, 1200, 1600]
    return folder


def test_its_last_trial_is_resumed_and_nothing_is_trained_again(resumed: Path) -> None:
    study = optuna.load_study(study_name="recorded", storage=f"sqlite:///{resumed}/runs/studies.db")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4
    assert [trial.value for trial in study.trials[:3]] == pytest.approx([0.4034, 0.4841, 0.4210], abs=5e-5)


def test_its_winner_is_exported_with_the_dev_predictions_that_were_recorded(resumed: Path) -> None:
    search(resumed, "export", "--study", "recorded", "--out", "out")
    (stored,) = [rung for rung in rungs(resumed, 1) if rung["overall"] == max(r["overall"] for r in rungs(resumed, 1))]
    probabilities = np.load(resumed / f"runs/recorded/trial-0001/predictions/sst-dev-{stored['rung']}.npy")
    exported = (resumed / "out/predictions/sst-dev-output.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(exported) == len(probabilities) == 60
    assert [int(float(line.split(",")[-1])) for line in exported] == probabilities.argmax(axis=1).tolist()


def test_it_is_reported(resumed: Path) -> None:
    search(resumed, "report", "--study", "recorded", "--out", "report")
    assert "trial 1" in (resumed / "report/report.md").read_text(encoding="utf-8")

"""The quickstart from its study file to test predictions, killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from search.storage.open import open_storage

SEARCH = [sys.executable, "-m", "search.run", "--study", "quickstart", "--trials", "10", "--json"]


def run_until(process: subprocess.Popen[str], wanted: str, count: int) -> list[dict[str, object]]:
    """Read events until ``count`` of the wanted kind have come."""
    events: list[dict[str, object]] = []
    assert process.stdout is not None
    for line in process.stdout:
        events.append(json.loads(line))
        if sum(event["event"] == wanted for event in events) == count:
            break
    return events


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_quickstart_killed_resumed_and_exported(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    command = [*SEARCH, "--runs-dir", str(runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        before = run_until(process, "TrialEnded", 4) + run_until(process, "TrialStarted", 1)
        os.killpg(process.pid, signal.SIGKILL)  # driver and workers at once, as when the power fails
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        after = run_until(process, "TrialEnded", 3)
        process.send_signal(signal.SIGINT)  # and once as a person stops it
        assert process.wait(timeout=60) == 130
        assert process.stdout is not None
        after += [json.loads(line) for line in process.stdout]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    last = [json.loads(line) for line in done.stdout.splitlines()]

    started = [event for event in (*after, *last) if event["event"] == "StudyStarted"]
    assert started[0]["done"] >= 4  # type: ignore[operator]
    assert started[0]["resumed"]  # the trials that were training when everything died
    ended = [event["number"] for event in (*before, *after, *last) if event["event"] == "TrialEnded"]
    assert len(ended) == len(set(ended))  # each reported once

    study = optuna.load_study(study_name="quickstart", storage=open_storage(None, runs))
    states = [trial.state.name for trial in study.get_trials()]
    assert len(states) == 10
    assert set(states) == {"COMPLETE", "PRUNED"}
    assert states.count("PRUNED") >= 1
    default = study.get_trials()[0]
    assert study.best_value > default.values[0] + 0.1

    subprocess.run(
        [sys.executable, "-m", "search.export", "--study", "quickstart", "--runs-dir", str(runs)], check=True
    )
    predictions = runs / "quickstart" / "export" / "predictions"
    for task in ("sst", "para", "sts"):
        for split in ("dev", "test"):
            assert len((predictions / f"{task}-{split}-output.csv").read_text().splitlines()) == 501
    provenance = json.loads((predictions / "provenance.json").read_text())
    assert provenance["trial"] == study.best_trial.number
    assert provenance["dev"]["overall"] == pytest.approx(study.best_value, abs=1e-6)

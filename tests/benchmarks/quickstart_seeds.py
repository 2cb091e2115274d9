"""Measure the quickstart over seeds: where its time goes, how much it prunes, and by how much it beats its default.

    python -m tests.benchmarks.quickstart_seeds [--seeds 3] [--trials 16] [--examples 16000] [--dev 500]

CPU seconds, of all processes together, hardly depend on what else the machine does; the wall-clock seconds of two slow
cores are at least half of theirs.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import optuna

from search.storage.open import open_storage
from search.study.lookup import find_study


@dataclass(frozen=True)
class Outcome:
    """One run of the study; times are in seconds."""

    start: float  # until the first trial begins: imports, data, check of the encoder, measured speed
    search: float
    end: float  # summary and curves
    cpu: float
    pruned: int
    gain: float  # of the best trial over the default configuration


def run(text: str, name: str, folder: Path) -> Outcome:
    """Run the study of this text."""
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "search.run", "--study", str(file), "--runs-dir", str(folder / "runs"), "--json"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun, marks = time.time(), {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            marks[event["event"]] = event["time"]
    ended, now = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    study = optuna.load_study(study_name=name, storage=open_storage(None, folder / "runs"))
    states = [trial.state.name for trial in study.get_trials()]
    return Outcome(
        start=marks["StudyStarted"] - begun,
        search=marks["StudyEnded"] - marks["StudyStarted"],
        end=ended - marks["StudyEnded"],
        cpu=now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime,
        pruned=states.count("PRUNED"),
        gain=study.best_value - study.get_trials()[0].values[0],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--examples", type=int, default=16000)
    parser.add_argument("--dev", type=int, default=500)
    options = parser.parse_args()
    text = find_study("quickstart").read_text(encoding="utf-8")
    rungs = [options.examples // share for share in (8, 4, 2, 1)]
    for old, new in (
        ("trials = 16", f"trials = {options.trials}"),
        ("examples = 16000", f"examples = {options.examples}"),
        ("rungs = [2000, 4000, 8000, 16000]", f"rungs = {rungs}"),
        ("dev = 500", f"dev = {options.dev}"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    print("| seed | start | search | end | CPU | pruned | best over default |\n|---|---:|---:|---:|---:|---:|---:|")
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            one = run(f"seed = {seed}\n{text}", f"quickstart-{seed}", Path(folder))
            outcomes.append(one)
            times = " | ".join(f"{value:.0f} s" for value in (one.start, one.search, one.end, one.cpu))
            print(f"| {seed} | {times} | {one.pruned} | {one.gain:+.4f} |", flush=True)
    print(f"\nmedian CPU time {statistics.median(one.cpu for one in outcomes):.0f} s")


if __name__ == "__main__":
    main()

"""Check training on a GPU end to end: against the CPU, in bfloat16, resumed, and two workers on one GPU.

    python -m tests.benchmarks.gpu [--device cuda] [--encoder FOLDER]

Trains a small model from scratch on the generated corpus, or a pretrained encoder in Hub layout. Prints a line per
check, and ends with exit code 1 if one fails. With ``--device cpu``, all but the last check run without a GPU.

- float32: same weights, batches and no dropout on the CPU and the GPU; scores and predictions agree.
- bfloat16: learns as much as float32, within two points of the overall score.
- resumed: stopped in the middle and continued from its checkpoint, against the undisturbed run; GPUs add in another
  order each time, so that the two may differ in the last digits.
- workers: ``search.run --gpus 0 --workers-per-gpu 2`` on the quickstart.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import RunOutcome, train
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks

SCRATCH = {"vocab_size": 2000, "hidden_size": 128, "layers": 2, "attention_heads": 4, "intermediate_size": 512}
CLOSE = 2e-2  # of predicted probabilities and scores, after 1,600 examples on two kinds of processor
NEUTRAL = 0.02  # of the overall score
EXAMPLES = 1600


@dataclass
class Stopper(NullRunObserver):
    """Stops a run after some steps."""

    steps: int

    def stepped(self, examples: int) -> bool:  # noqa: ARG002
        self.steps -= 1
        return self.steps > 0


@dataclass(frozen=True)
class Setting:
    """What all checks train.

    Attributes:
        base: sections of the run.
        place: folder for runs and the cache.
        device: the one that is checked.
    """

    base: Mapping[str, Any]
    place: Path
    device: str

    def config(self, device: str, precision: str = "float32", **model: float) -> RunConfig:
        compute = {"device": device, "precision": precision}
        return RunConfig.model_validate({**self.base, "model": {**self.base["model"], **model}, "compute": compute})

    def trained(
        self, name: str, config: RunConfig, stop_after: int | None = None
    ) -> tuple[Evaluation, Mapping[str, Any]]:
        """Return the last evaluation, and the predictions of each task at it."""
        folder, resources = RunFolder(self.place / name), Resources(self.place / "cache")
        if stop_after is not None:
            stopped = train(config, folder.path, resources, Stopper(stop_after))
            assert stopped == RunOutcome.INTERRUPTED
        train(config, folder.path, resources, NullRunObserver())
        last = folder.read_metrics()[-1]
        return last, {task: np.load(folder.predictions(task, last.rung)) for task in config.tasks}


def furthest(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Return the largest difference between two sets of predictions."""
    return max(float(np.abs(one[task].astype(np.float64) - other[task]).max()) for task in one)


def check_float32(setting: Setting) -> tuple[bool, str]:
    plain = {"dropout": 0.0}
    there, predicted = setting.trained("float32", setting.config(setting.device, **plain))
    here, expected = setting.trained("float32-cpu", setting.config("cpu", **plain))
    difference = furthest(predicted, expected)
    text = f"overall {there.overall:.4f}, on the CPU {here.overall:.4f}; predictions differ by at most {difference:.1e}"
    return difference <= CLOSE, text


def check_bfloat16(setting: Setting) -> tuple[bool, str]:
    exact, _ = setting.trained("exact", setting.config(setting.device))
    rough, _ = setting.trained("bfloat16", setting.config(setting.device, "bfloat16"))
    faster = rough.examples_per_second / exact.examples_per_second
    text = f"overall {rough.overall:.4f}, in float32 {exact.overall:.4f}; {faster:.2f} times as fast"
    return abs(rough.overall - exact.overall) <= NEUTRAL, text


def check_resumed(setting: Setting) -> tuple[bool, str]:
    whole, expected = setting.trained("whole", setting.config(setting.device))
    parts, predicted = setting.trained("parts", setting.config(setting.device), stop_after=37)
    difference = furthest(predicted, expected)
    text = (
        f"overall {parts.overall:.6f}, undisturbed {whole.overall:.6f}; predictions differ by at most {difference:.1e}"
    )
    return difference <= CLOSE, text


def check_workers(setting: Setting) -> tuple[bool, str]:
    runs = setting.place / "runs"
    options = ["--runs-dir", str(runs), "--trials", "4", "--gpus", "0", "--workers-per-gpu", "2", "--json"]
    command = [sys.executable, "-m", "search.run", "--study", "quickstart", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return False, done.stderr.strip().splitlines()[-1]
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    workers = {event["worker"] for event in events if event["event"] == "TrialStarted"}
    devices = {event["device"] for event in events if event["event"] == "TrialStarted"}
    states = [event["state"] for event in events if event["event"] == "TrialEnded"]
    is_right = (workers, devices) == ({0, 1}, {"cuda:0"}) and len(states) == 4 and "failed" not in states
    return is_right, f"workers {sorted(workers)} on {', '.join(devices)}; trials {', '.join(states)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "mps", "cpu"])
    parser.add_argument("--encoder", help="a folder in Hub layout; by default a small model from scratch")
    options = parser.parse_args()
    model = {"encoder": options.encoder} if options.encoder else {"encoder": "scratch", "scratch": SCRATCH}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_corpus(place / "corpus", train=800, dev=200, test=20, seed=0)
        base = {
            "model": {**model, "max_length": 48},
            "data": {"directory": str(place / "corpus")},
            "tasks": {task: {"spec": builtin_tasks()[task]} for task in ("sst", "para", "sts")},
            "optim": {"learning_rate": 1e-4 if options.encoder else 1e-3},
            "budget": {"examples": EXAMPLES, "batch_size": 16},
            "eval": {"rungs": 2},
        }
        setting = Setting(base, place, options.device)
        checks = {"float32": check_float32, "bfloat16": check_bfloat16, "resumed": check_resumed}
        if options.device == "cuda":
            checks["workers"] = check_workers
            print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
        failed = False
        for title, check in checks.items():
            is_right, text = check(setting)
            failed |= not is_right
            print(f"{'ok' if is_right else 'FAILED':<6} {title:<9} {text}", flush=True)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()

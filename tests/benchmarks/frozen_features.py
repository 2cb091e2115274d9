"""Measure training and scoring with frozen layers, with and without keeping their outputs.

    python -m tests.benchmarks.frozen_features [--encoder minilm] [--data DIR] [--rounds 5] [--threads 1]

Three runs take turns, with the lower half of the layers frozen and then with all of them: with dropout in the frozen
layers, so that nothing is kept; with an empty cache; and with a full one. They are whole trials of one pass and of
three over the training examples, with scoring at three rungs. Seconds are those of the process alone, so that other
programs disturb little. Without --encoder the model has MiniLM's shape and random weights; without --data it reads a
generated corpus.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from core.config import RunConfig
from core.frozen_features.features import FEATURES
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.run_observer import NullRunObserver
from core.trainer import train
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks

TASKS = ("sst", "para", "sts")
SHAPE = {"vocab_size": 4000, "hidden_size": 384, "layers": 6, "attention_heads": 12, "intermediate_size": 1536}
FROZEN: dict[str, dict[str, Any]] = {"lower 3 of 6": {"freeze_layers": 3}, "all 6": {"freeze": "encoder"}}
WAYS = ("dropout in frozen layers, nothing kept", "kept, empty at first", "kept, by an earlier trial")


class _Timed(NullRunObserver):
    """Adds up the processor time of training steps and of everything at rungs."""

    def __init__(self) -> None:
        self._last = time.process_time()
        self.steps, self.training, self.scoring = 0, 0.0, 0.0

    def stepped(self, examples: int) -> bool:
        self.training += self._lap()
        self.steps += 1
        return super().stepped(examples)

    def evaluated(self, evaluation: Any) -> bool:
        self.scoring += self._lap()
        return super().evaluated(evaluation)

    def _lap(self) -> float:
        before, self._last = self._last, time.process_time()
        return self._last - before


def trials(
    base: dict[str, Any], frozen: dict[str, Any], passes: int, folder: Path
) -> Iterator[tuple[str, float, float]]:
    """Yield the way, the steps per second, and the seconds of a trial in each way."""
    resources = Resources(folder / "cache")
    shutil.rmtree(folder / "cache" / FEATURES, ignore_errors=True)
    for way in WAYS:
        values = {**base, "model": {**base["model"], **frozen, "frozen_dropout": way == WAYS[0]}}
        values["budget"] = {**base["budget"], "examples": base["budget"]["examples"] * passes}
        config = RunConfig.model_validate(values)
        resources.task_data(config)  # tokenised before
        shutil.rmtree(folder / "run", ignore_errors=True)
        begun, timed = time.process_time(), _Timed()
        train(config, RunFolder(folder / "run").path, resources, timed)
        yield way, timed.steps / timed.training, time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--encoder")
    parser.add_argument("--data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--examples", type=int, default=480, help="of each task")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.data is None:
            write_corpus(folder, train=options.examples, dev=options.examples, test=20, seed=0)
        model = {"encoder": options.encoder} if options.encoder else {"encoder": "scratch", "scratch": SHAPE}
        specs = builtin_tasks()
        base: dict[str, Any] = {
            "model": {**model, "max_length": 128},
            "data": {"directory": options.data or str(folder)},
            "tasks": {
                task: {"spec": specs[task], "train_limit": options.examples, "dev_limit": options.examples // 4}
                for task in TASKS
            },
            "sampler": {"order": "round-robin"},
            "eval": {"rungs": 3, "train_examples": 0},
            "budget": {"examples": len(TASKS) * options.examples, "batch_size": 16},
            "compute": {"device": "cpu", "threads": options.threads},
        }
        print("| frozen | passes | outputs of frozen layers | steps a second | a trial, s | ratio |")
        print("|---|---:|---|---:|---:|---:|")
        for what, frozen in FROZEN.items():
            for passes in (1, 3):
                found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
                for _ in range(options.rounds):
                    for way, steps, seconds in trials(base, frozen, passes, folder):
                        found[way].append((steps, seconds))
                for way, values in found.items():
                    ratio = statistics.median(b[1] / a[1] for a, b in zip(found[WAYS[0]], values, strict=True))
                    steps, seconds = (statistics.median(column) for column in zip(*values, strict=True))
                    print(f"| {what} | {passes} | {way} | {steps:.1f} | {seconds:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()

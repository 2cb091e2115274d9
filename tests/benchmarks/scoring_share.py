"""Estimate how much of a full trial is spent scoring dev, with the study's settings and with others.

    python -m tests.benchmarks.scoring_share --data DIR [--study starter] [--model minilm] [--rounds 3]

This takes about two minutes. Training steps, some dev examples and some training examples take turns on one core, and
their time per example is multiplied by how many of them a full trial trains and scores. The seconds are those of this
process alone, so that other programs disturb little. The first row scores all of dev and 200 training examples of each
task at every rung, the last one is what the study file says.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.fixed_subset import fixed_subset, stratified_part
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.scoring import predict
from core.trainer import TrainingRun
from data.examples import Examples
from search.study.file import load_study

TRAINED = 160  # examples in each round, at least
DEV_SCORED = 400  # of each task in each round, at most
TRAIN_SCORED = 100
OTHERS = ((1.0, 200), (1.0, 0), (0.25, 200), (0.1, 200), (0.1, 100), (0.1, 0))  # early_share, train_examples


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of a call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def train(run: TrainingRun) -> float:
    """Return the seconds per training example."""
    begun = run.progress.examples

    def some_steps() -> None:
        while run.progress.examples < begun + TRAINED:
            run.step()

    return seconds(some_steps) / (run.progress.examples - begun)


class TrialCost:
    """Seconds of a full trial, from the times per example that a run took.

    Args:
        run: at its beginning.
        rounds: how often everything is timed; the median counts.
    """

    def __init__(self, run: TrainingRun, rounds: int) -> None:
        self.run = run
        self.parts: dict[tuple[str, str], Examples] = {}
        for task, data in run.tasks.items():
            labels = np.asarray(data.dev.labels)
            share = min(1.0, DEV_SCORED / len(labels))
            self.parts["dev", task] = data.dev.subset(stratified_part(labels, share, "benchmark"))
            self.parts["train", task] = data.train.subset(fixed_subset(len(data.train), TRAIN_SCORED, "benchmark"))
        run.step()  # warms caches and allocators up
        spent: dict[object, list[float]] = defaultdict(list)
        for _ in range(rounds):
            spent["training"].append(train(run))
            for key, examples in self.parts.items():
                layout = run.tasks[key[1]].layout
                work = partial(predict, run.model, run.config, examples, layout, run.device)
                spent[key].append(seconds(work) / len(examples))
        self._each = {key: statistics.median(times) for key, times in spent.items()}

    @property
    def training(self) -> float:
        """Training without scoring."""
        return self._each["training"] * self.run.config.budget.examples

    def scored(self, kind: str, of_each: int | None = None) -> float:
        """Score all dev examples, or some training examples of each task, once."""
        sizes = {task: len(getattr(data, kind)) for task, data in self.run.tasks.items()}
        counts = {task: size if of_each is None else min(size, of_each) for task, size in sizes.items()}
        return sum(self._each[kind, task] * count for task, count in counts.items())

    def scoring(self, early_share: float, train_examples: int) -> float:
        """Score at every rung of a trial."""
        config = with_eval(self.run.config, early_share)
        once = self.scored("dev") + self.scored("train", train_examples)
        return once * sum(map(config.dev_share, config.rungs))


def with_eval(config: RunConfig, early_share: float) -> RunConfig:
    return config.model_copy(update={"eval": config.eval.model_copy(update={"early_share": early_share})})


def main() -> None:
    """Print the share of scoring in a trial by settings."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with the tasks' files")
    parser.add_argument("--study", default="starter")
    parser.add_argument("--model", help="instead of the study's")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    base = load_study(options.study, data=options.data, model=options.model, threads=1).base
    base = base.model_copy(update={"pretraining": PretrainingConfig()})
    torch.set_num_threads(1)
    own = (base.eval.early_share, base.eval.train_examples)
    with tempfile.TemporaryDirectory() as name:
        run = TrainingRun(base, RunFolder(Path(name)), Resources(Path(name) / "cache"))
        cost = TrialCost(run, options.rounds)
    counts = ", ".join(f"{len(data.dev):,} of {task}" for task, data in run.tasks.items())
    print(f"{options.study}, {base.model.encoder}: {base.budget.examples:,} examples train for {cost.training:.0f} s.")
    print(f"Rungs at {base.rungs}. Dev examples: {counts}; all of them take {cost.scored('dev'):.1f} s, 100 training ")
    print(f"examples of each task {cost.scored('train', 100):.1f} s.")
    print("| early_share | train_examples | scoring, s | share of a trial |\n|---:|---:|---:|---:|")
    for early_share, seen in [*(one for one in OTHERS if one != own), own]:
        scoring = cost.scoring(early_share, seen)
        print(f"| {early_share:g} | {seen} | {scoring:.1f} | {scoring / (scoring + cost.training):.1%} |")


if __name__ == "__main__":
    main()

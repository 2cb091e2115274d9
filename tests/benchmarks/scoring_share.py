"""Measure how much of a full trial is spent scoring dev, with the study's settings and with others.

    python -m tests.benchmarks.scoring_share --data DIR [--study starter] [--model minilm] [--rounds 5]

The seconds are those of one core, so that other programs disturb little. Training and scoring take turns. The first row
scores all of dev and 200 training examples of each task at every rung, the last one is what the study file says.
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

import torch

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.scoring import score_dev
from core.trainer import TrainingRun
from search.study.file import load_study

EXAMPLES = 320  # trained in each round, at least
OTHERS = ((1.0, 200), (1.0, 0), (0.25, 200), (0.1, 200), (0.1, 100), (0.1, 0))  # early_share, train_examples


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def train(run: TrainingRun) -> None:
    until = run.progress.examples + EXAMPLES
    while run.progress.examples < until:
        run.step()


def with_eval(config: RunConfig, early_share: float, train_examples: int) -> RunConfig:
    changed = config.eval.model_copy(update={"early_share": early_share, "train_examples": train_examples})
    return config.model_copy(update={"eval": changed})


def score(run: TrainingRun, share: float, train_examples: int) -> None:
    score_dev(run.model, with_eval(run.config, 1.0, train_examples), run.tasks, run.device, share)


def main() -> None:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with the tasks' files")
    parser.add_argument("--study", default="starter")
    parser.add_argument("--model", help="instead of the study's")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    base = load_study(options.study, data=options.data, model=options.model, threads=1).base
    base = base.model_copy(update={"pretraining": PretrainingConfig()})
    torch.set_num_threads(1)
    own = (base.eval.early_share, base.eval.train_examples)
    tried = [with_eval(base, *one) for one in [*(one for one in OTHERS if one != own), own]]
    kinds = {(one.dev_share(rung), one.eval.train_examples) for one in tried for rung in one.rungs}
    spent: dict[object, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        run = TrainingRun(base, RunFolder(Path(name)), Resources(Path(name) / "cache"))
        run.step()  # warms caches and allocators up
        for _ in range(options.rounds):
            spent["training"].append(seconds(partial(train, run)))
            for kind in sorted(kinds):
                spent[kind].append(seconds(partial(score, run, *kind)))
    took = {kind: statistics.median(times) for kind, times in spent.items()}
    training = took["training"] / EXAMPLES * base.budget.examples
    print(f"{options.study}: {base.budget.examples:,} examples train for {training:.0f} s, rungs at {base.rungs}")
    print("| early_share | train_examples | scoring, s | share of a trial |\n|---:|---:|---:|---:|")
    for one in tried:
        scoring = sum(took[one.dev_share(rung), one.eval.train_examples] for rung in one.rungs)
        share = scoring / (scoring + training)
        print(f"| {one.eval.early_share:g} | {one.eval.train_examples} | {scoring:.1f} | {share:.1%} |")


if __name__ == "__main__":
    main()

"""Measure what bfloat16 does to scores: the difference to float32 over paired seeds, with its interval.

    python -m tests.benchmarks.precision_neutrality --data DIR [--encoder minilm] [--seeds 20] [--processes 2]

The two runs of a seed begin with the same weights, and train on the same batches. The last line also gives the
ratio of the CPU seconds of training.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch
from scipy import stats

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.task_files import builtin_tasks

TASKS = ("sst", "para", "sts")
PRECISIONS = ("float32", "bfloat16")
MARGIN = 0.01  # of the overall score: less is called neutral


def trained(config: RunConfig, folder: Path, resources: Resources) -> tuple[Evaluation, float]:
    """Return the scores at the end of a run, and its CPU seconds without scoring."""
    run = TrainingRun(config, RunFolder(folder), resources)
    run.resume()
    begun = time.process_time()
    while not run.at_rung:
        run.step()
    seconds = time.process_time() - begun
    return run.evaluate(), seconds


def interval(values: list[float], level: float = 0.95) -> tuple[float, float]:
    """Return Student's interval of the mean."""
    mean, error = statistics.mean(values), stats.sem(values)
    half = float(error * stats.t.ppf(0.5 + level / 2, len(values) - 1))
    return mean - half, mean + half


def compared(base: Mapping[str, Any], compute: Mapping[str, Any], cache: Path, seed: int) -> dict[str, float]:
    """Return the differences of scores, bfloat16 - float32, for one seed, and the ratio of speeds."""
    torch.set_num_threads(compute["threads"])
    ends, seconds = {}, {}
    for precision in PRECISIONS if seed % 2 else PRECISIONS[::-1]:
        config = RunConfig.model_validate({**base, "seed": seed, "compute": {**compute, "precision": precision}})
        with tempfile.TemporaryDirectory() as folder:
            ends[precision], seconds[precision] = trained(config, Path(folder), Resources(cache))
    scores = {precision: {"overall": end.overall, **end.scores} for precision, end in ends.items()}
    ratio = seconds["float32"] / seconds["bfloat16"]
    texts = (f"{p} " + ", ".join(f"{what} {v:.4f}" for what, v in of.items()) for p, of in scores.items())
    print(f"seed {seed}: {'; '.join(texts)}; faster by {ratio:.2f}", flush=True)
    return {"ratio": ratio} | {what: scores["bfloat16"][what] - scores["float32"][what] for what in ("overall", *TASKS)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=1, help="each trains another seed, with --threads threads")
    parser.add_argument("--examples", type=int, default=2400, help="trained in each run, all tasks together")
    parser.add_argument("--dev-limit", type=int, default=600, help="dev examples of each task")
    options = parser.parse_args()
    specs = builtin_tasks()
    base = {
        "tasks": {task: {"spec": specs[task], "dev_limit": options.dev_limit} for task in TASKS},
        "model": {"encoder": options.encoder},
        "data": {"directory": options.data},
        "optim": {"learning_rate": 2e-4, "head_learning_rate": 1e-3},
        "sampler": {"order": "round-robin"},
        "budget": {"examples": options.examples, "batch_size": 16},
        "eval": {"rungs": 1, "train_examples": 0},
    }
    compute = {"device": options.device, "threads": options.threads}
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(options.processes, spawn) as pool:
        found = list(pool.map(partial(compared, base, compute, Path(name)), range(options.seeds)))
    differences = {what: [one[what] for one in found] for what in ("overall", *TASKS)}
    ratios = [one["ratio"] for one in found]
    print("\n| score | bfloat16 - float32, mean | 95 % interval |\n|---|---:|---|")
    for what, values in differences.items():
        low, high = interval(values)
        print(f"| {what} | {statistics.mean(values):+.4f} | {low:+.4f} to {high:+.4f} |")
    low, high = interval(differences["overall"])
    verdict = "neutral" if low > -MARGIN and high < MARGIN else "not shown to be neutral"
    print(
        f"\n{len(ratios)} seeds: {verdict} to within {MARGIN}; training {statistics.median(ratios):.2f} times as fast"
    )


if __name__ == "__main__":
    main()

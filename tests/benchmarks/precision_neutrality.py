"""Measure what bfloat16 does to scores: the difference to float32 over paired seeds, with its interval.

    python -m tests.benchmarks.precision_neutrality --data DIR [--encoder minilm] [--seeds 8] [--examples 3000]

The two runs of a seed have the same weights, batches and dropout masks to begin with. The last line also gives the
ratio of the CPU seconds of training.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--examples", type=int, default=3000, help="trained in each run, all tasks together")
    parser.add_argument("--dev-limit", type=int, default=800, help="dev examples of each task")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    specs = builtin_tasks()
    base = {
        "tasks": {task: {"spec": specs[task], "dev_limit": options.dev_limit} for task in TASKS},
        "model": {"encoder": options.encoder},
        "data": {"directory": options.data},
        "optim": {"learning_rate": 5e-5, "head_learning_rate": 5e-4},
        "sampler": {"order": "round-robin"},
        "budget": {"examples": options.examples, "batch_size": 16},
        "eval": {"rungs": 1, "train_examples": 0},
    }
    differences: dict[str, list[float]] = {name: [] for name in ("overall", *TASKS)}
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        resources = Resources(Path(name) / "cache")
        for seed in range(options.seeds):
            ends, seconds = {}, {}
            for precision in PRECISIONS if seed % 2 else PRECISIONS[::-1]:
                compute = {"device": options.device, "threads": options.threads, "precision": precision}
                config = RunConfig.model_validate({**base, "seed": seed, "compute": compute})
                folder = Path(name) / f"{seed}-{precision}"
                ends[precision], seconds[precision] = trained(config, folder, resources)
            scores = {precision: {"overall": end.overall, **end.scores} for precision, end in ends.items()}
            for what, values in differences.items():
                values.append(scores["bfloat16"][what] - scores["float32"][what])
            ratios.append(seconds["float32"] / seconds["bfloat16"])
            texts = (f"{p} " + ", ".join(f"{what} {v:.4f}" for what, v in of.items()) for p, of in scores.items())
            print(f"seed {seed}: {'; '.join(texts)}; faster by {ratios[-1]:.2f}", flush=True)
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

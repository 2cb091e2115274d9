"""Measure training examples per second of each variant, and the ratio to the first one in the same rounds.

    python -m tests.benchmarks.preset_speed --data DIR [--study papers] [--encoder minilm] [--rounds 5]

Stages of further pretraining change the weights, not the speed, so they are left out. The variants take turns, so that
a machine that slows down affects all of them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import torch

from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from search.space.feasibility import try_space
from search.study.file import load_study
from search.study.spec import StudySpec
from tests.benchmarks.technique_cost import seconds_per_example

EXAMPLES = 96  # timed in each round, at least


def runs(spec: StudySpec, resources: Resources, folder: Path) -> dict[str, TrainingRun]:
    """Build one run per variant, with the first seed."""
    built = {}
    for tried in try_space(spec.space, spec.base):
        if tried.key[0] == "variants" and tried.value not in built:
            config = tried.config.model_copy(update={"seed": spec.base.seed, "pretraining": PretrainingConfig()})
            built[tried.value] = TrainingRun(config, RunFolder(folder / tried.value), resources)
    return built


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with the tasks' files")
    parser.add_argument("--study", default="papers", help="a study with [variants]")
    parser.add_argument("--encoder", help="instead of the study's")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    spec = load_study(arguments.study, data=arguments.data, model=arguments.encoder, threads=1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        trained = runs(spec, Resources(Path(name) / "cache"), Path(name))
        for run in trained.values():
            run.step()  # warms caches and allocators up
        rounds = [
            {variant: seconds_per_example(run, EXAMPLES) for variant, run in trained.items()}
            for _ in range(arguments.rounds)
        ]
    first = next(iter(trained))
    print("| variant | examples/s | against the first |\n|---|---:|---:|")
    for variant in trained:
        speed = statistics.median(1 / seconds[variant] for seconds in rounds)
        ratio = statistics.median(seconds[first] / seconds[variant] for seconds in rounds)
        print(f"| {variant} | {speed:.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()

"""Measure seconds per training example of each technique, as a ratio to plain training in the same rounds.

    python -m tests.benchmarks.technique_cost [--device cuda] [--encoder minilm] [--data DIR] [--rounds 5]

Without --encoder the model has MiniLM's shape and random weights; without --data it reads a generated corpus. Runs of
all techniques take turns, so that a machine that slows down affects all of them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks

TASKS = ("sst", "para", "sts")
SHAPE = {"vocab_size": 4000, "hidden_size": 384, "layers": 6, "attention_heads": 12, "intermediate_size": 1536}
EXAMPLES = 96  # timed in each round: six batches, whole cycles of the three tasks


def every_task(value: Any) -> dict[str, Any]:
    return dict.fromkeys(TASKS, value)


PAIRS = {"pair": "siamese", "pooling": "mean"}
TECHNIQUES: dict[str, dict[str, Any]] = {
    "plain": {},
    "siamese pairs, [u;v;\\|u-v\\|]": {"heads": {"para": PAIRS, "sts": PAIRS}},
    "siamese sts by cosine, Pearson loss": {"heads": {"sts": {**PAIRS, "combine": "cos", "loss": "pearson"}}},
    "head of 4 layers": {"heads": every_task({"layers": 4})},
    "score classes with cross-entropy": {"heads": {"sts": {"output": "classes"}}},
    "R-Drop": {"r_drop": {"alpha": every_task(1.0)}},
    "SMART smoothness, 1 step": {"smart": {"weight": every_task(1.0)}},
    "SMART smoothness, 2 steps": {"smart": {"weight": every_task(1.0), "steps": 2}},
    "Bregman proximal point": {"proximal": {"weight": every_task(1.0)}},
    "PCGrad (a batch of each task)": {"sampler": {"order": "together"}, "gradients": {"rule": "pcgrad"}},
    "plain sum (a batch of each task)": {"sampler": {"order": "together"}},
    "anchored surgery": {"gradients": {"rule": "anchored", "anchor": "sst"}},
    "uncertainty weighting": {"loss": {"weighting": "uncertainty"}},
    "LoRA, rank 8, query and value": {"lora": {"rank": 8}},
    "LoRA, rank 8, all linear layers": {"lora": {"rank": 8, "targets": "all-linear"}},
    "LoRA, rank 200, all linear layers": {"lora": {"rank": 200, "targets": "all-linear"}},
    "embeddings frozen": {"model": {"freeze": "embeddings"}},
    "lowest half of the layers frozen": {"model": {"freeze_layers": 3}},
    "encoder frozen, heads only": {"model": {"freeze": "encoder"}},
    "layer-wise decay": {"optim": {"layer_decay": 0.9}},
    "EMA of weights": {"optim": {"ema": 0.999}},
    "SWA": {"swa": {"start": 0.0}},
    "accumulation over 4 batches": {"optim": {"accumulate": 4}},
    "no dropout in the encoder": {"model": {"dropout": 0.0, "attention_dropout": 0.0}},
    "bfloat16 autocast": {"compute": {"precision": "bfloat16"}},
}


def build(name: str, base: dict[str, Any], resources: Resources, folder: Path) -> TrainingRun:
    values = dict(base)
    for section, entries in TECHNIQUES[name].items():
        values[section] = {**values.get(section, {}), **entries}
    return TrainingRun(RunConfig.model_validate(values), RunFolder(folder), resources)


def seconds_per_example(run: TrainingRun, examples: int) -> float:
    if run.device.type == "cuda":
        torch.cuda.synchronize()
    before, begun = run.progress.examples, time.perf_counter()
    while run.progress.examples < before + examples:
        run.step()
    if run.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - begun) / (run.progress.examples - before)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--encoder")
    parser.add_argument("--data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.data is None:
            write_corpus(folder, train=1000, dev=20, test=20, seed=0)
        model = {"encoder": options.encoder} if options.encoder else {"encoder": "scratch", "scratch": SHAPE}
        specs = builtin_tasks()
        base: dict[str, Any] = {
            "model": {**model, "max_length": 64},
            "data": {"directory": options.data or str(folder)},
            "tasks": {task: {"spec": specs[task]} for task in TASKS},
            "sampler": {"order": "round-robin"},  # every technique sees the same batches
            "budget": {"examples": 1_000_000, "batch_size": 16},
            "compute": {"device": options.device, "threads": 1},
        }
        torch.set_num_threads(1)
        resources = Resources(folder / "cache")
        names = ["plain", *(options.only or [name for name in TECHNIQUES if name != "plain"])]
        ratios: dict[str, list[float]] = {name: [] for name in names}
        runs = {name: build(name, base, resources, folder / "run") for name in names}
        for run in runs.values():
            seconds_per_example(run, 48)  # warm
        for _ in range(options.rounds):
            seconds = {name: seconds_per_example(run, options.examples) for name, run in runs.items()}
            for name in names:  # every run has seen the same batches in this round
                ratios[name].append(seconds[name] / seconds["plain"])
        print("| technique | time per training example / plain | range |\n|---|---:|---|")
        for name, values in ratios.items():
            print(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} to {max(values):.2f} |")


if __name__ == "__main__":
    main()

"""Measure how the cost of training grows with data, length of rows, rank of LoRA, tasks and size of the encoder."""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.trainer import TrainingRun
from data.reading import read_split
from data.synthetic.corpus import write_corpus
from data.task_files import builtin_tasks
from tests.benchmarks.performance.setting import TASKS, Setting
from tests.benchmarks.technique_cost import seconds_per_example

__all__ = ["DIMENSIONS", "growth_table", "measure_growth", "measure_starts", "starts_table"]

LENGTHS = (16, 32, 64, 128, 256)
RANKS = (0, 4, 8, 32, 128)
# Layers, width; heads of 32 as in MiniLM, or of 64.
SHAPES = {
    "2 layers of 128": (2, 128, 2),
    "4 of 256": (4, 256, 4),
    "6 of 384 (MiniLM)": (6, 384, 12),
    "12 of 384": (12, 384, 12),
    "12 of 768 (BERT base)": (12, 768, 12),
}
SIZES = (1_000, 4_000, 16_000)

Seconds = dict[str, list[float]]  # per 1,000 training examples: what was varied, round


def _lengths(setting: Setting, folder: Path, quick: bool) -> dict[str, dict[str, Any]]:
    """Rows of one length (sst)."""
    variants = {}
    for length in LENGTHS[:2] if quick else LENGTHS:
        data = folder / f"length-{length}"
        _write_long_rows(setting, data, length)
        values = setting.config("sst", model={"max_length": length})
        variants[f"{length} tokens"] = {**values, "data": {"directory": str(data)}}
    return variants


def _write_long_rows(setting: Setting, folder: Path, length: int) -> None:
    """Write sst files whose sentences have at least that many words, joined from those of the data."""
    rng, spec = np.random.default_rng(0), builtin_tasks()["sst"]
    sentences = [example[0] for example in read_split(spec, setting.data, "train").sentences]
    folder.mkdir(parents=True)
    for split, rows in (("train", 400), ("dev", 20), ("test-student", 20)):
        with (folder / f"ids-sst-{split}.csv").open("w", newline="") as file:
            writer = csv.writer(file, delimiter="\t")
            writer.writerow(["", "id", "sentence", *(["sentiment"] if split != "test-student" else [])])
            for row in range(rows):
                words: list[str] = []
                while len(words) < length:
                    words += sentences[rng.integers(len(sentences))].split()
                label = [str(row % 5)] if split != "test-student" else []
                writer.writerow([row, f"{split}-{row}", " ".join(words), *label])


def _ranks(setting: Setting, folder: Path, quick: bool) -> dict[str, dict[str, Any]]:
    """LoRA on query and value (sst); rank 0 trains all weights."""
    del folder
    return {f"rank {rank}": setting.config("sst", lora={"rank": rank}) for rank in (RANKS[:2] if quick else RANKS)}


def _tasks(setting: Setting, folder: Path, quick: bool) -> dict[str, dict[str, Any]]:
    """Tasks in turn; pairs have longer rows than single sentences."""
    del folder, quick
    order = {"order": "round-robin"}
    return {", ".join(TASKS[:n]): setting.config(*TASKS[:n], sampler=order) for n in range(1, len(TASKS) + 1)}


def _shapes(setting: Setting, folder: Path, quick: bool) -> dict[str, dict[str, Any]]:
    """Encoders with random weights (sst)."""
    del folder
    variants = {}
    for name, (layers, width, heads) in list(SHAPES.items())[: 2 if quick else None]:
        shape = {"layers": layers, "hidden_size": width, "attention_heads": heads, "intermediate_size": 4 * width}
        values = setting.config("sst")
        values["model"] = {"encoder": "scratch", "scratch": {"vocab_size": 8000, **shape}}
        variants[name] = values
    return variants


DIMENSIONS = {"length of rows": _lengths, "rank of LoRA": _ranks, "tasks": _tasks, "encoder": _shapes}


def measure_growth(
    setting: Setting, dimension: str, rounds: int, examples: int, folder: Path, quick: bool = False
) -> Seconds:
    """Return the seconds per 1,000 training examples of each value of a dimension, which take turns."""
    budget = {"examples": 1_000_000, "batch_size": 16}
    resources = Resources(folder / "cache")
    runs = {
        name: TrainingRun(RunConfig.model_validate({**values, "budget": budget}), RunFolder(folder / name), resources)
        for name, values in DIMENSIONS[dimension](setting, folder, quick).items()
    }
    for run in runs.values():
        seconds_per_example(run, 16)  # warms up
    seconds: Seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(1000 * seconds_per_example(run, examples))
    return seconds


def growth_table(dimension: str, seconds: Mapping[str, list[float]]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows."""
    first = next(iter(seconds.values()))
    return [dimension, "seconds per 1,000 examples", "range", "against the first"], [
        [
            name,
            f"{statistics.median(values):.3g}",
            f"{min(values):.3g} to {max(values):.3g}",
            f"{statistics.median(a / b for a, b in zip(values, first, strict=True)):.2f}",
        ]
        for name, values in seconds.items()
    ]


def measure_starts(setting: Setting, folder: Path, quick: bool = False) -> dict[int, list[float]]:
    """Return the seconds to a run's first step by training examples of each of three tasks.

    Three numbers: when nothing is cached, when the tokens are on disk, and for a worker's next trial.
    """
    found = {}
    for size in (200, 400) if quick else SIZES:
        place = folder / f"starts-{size}"
        write_corpus(place / "data", train=size, dev=200, test=20, seed=0)
        values = {**setting.config(*TASKS), "data": {"directory": str(place / "data")}}
        config = RunConfig.model_validate(values)
        resources = Resources(place / "cache")
        first = _first_step(config, place / "a", resources)
        cached = _first_step(config, place / "b", Resources(place / "cache"))
        found[size] = [first, cached, _first_step(config, place / "c", resources)]
    return found


def _first_step(config: RunConfig, folder: Path, resources: Resources) -> float:
    begun = time.perf_counter()
    run = TrainingRun(config, RunFolder(folder), resources)
    run.step()
    return time.perf_counter() - begun


def starts_table(starts: Mapping[int, list[float]]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows."""
    headings = ["training examples of each task", "first trial", "with tokens cached", "a worker's next trial"]
    return headings, [[f"{size:,}", *(f"{value:.2f} s" for value in values)] for size, values in starts.items()]

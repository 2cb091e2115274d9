"""Measure how many trials an hour several workers train together, each with some threads."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.run.run_folder import RunFolder
from core.speed_probe import measure_speed
from core.trainer import TrainingRun
from tests.benchmarks.performance.setting import TASKS, Setting

__all__ = ["layouts", "measure_workers", "table"]


def layouts(cores: int) -> list[tuple[int, int]]:
    """Return pairs of workers and threads for a number of cores: one worker of one thread, and all cores in use."""
    full = [(workers, cores // workers) for workers in range(1, cores + 1) if cores % workers == 0]
    return list(dict.fromkeys([(1, 1), *full]))


def measure_workers(
    setting: Setting, layouts: Sequence[tuple[int, int]], rounds: int, seconds: float, folder: Path
) -> dict[tuple[int, int], list[float]]:
    """Return trials an hour of each layout in every round; each worker trains for some ``seconds``.

    A trial is one of three tasks with the default budget, whose dev examples are scored at the default rungs.
    """
    rates: dict[tuple[int, int], list[float]] = {layout: [] for layout in layouts}
    for _ in range(rounds):
        for workers, threads in layouts:
            rates[workers, threads].append(_trials_an_hour(setting, workers, threads, seconds, folder))
    return rates


def _trials_an_hour(setting: Setting, workers: int, threads: int, seconds: float, folder: Path) -> float:
    context = multiprocessing.get_context("spawn")
    values = setting.config(*TASKS)
    values["compute"]["threads"] = threads
    barrier, answers = context.Barrier(workers), context.Queue()
    arguments = (values, folder / "workers-cache", seconds, barrier, answers)
    processes = [context.Process(target=_train, args=arguments) for _ in range(workers)]
    for process in processes:
        process.start()
    lengths = [answers.get() for _ in processes]  # seconds of a trial
    for process in processes:
        process.join()
    return sum(3600 / length for length in lengths)


def _train(values: dict[str, Any], cache: Path, seconds: float, barrier: Barrier, answers: Any) -> None:
    """Train for some seconds, then score, while the others do the same; answer with the seconds of a whole trial."""
    config = RunConfig.model_validate(values)
    torch.set_num_threads(config.compute.threads)
    resources = Resources(cache)
    with TemporaryDirectory() as folder:
        run = TrainingRun(config, RunFolder(Path(folder)), resources)
        run.step()
        barrier.wait()
        begun, before = time.perf_counter(), run.progress.examples
        while time.perf_counter() < begun + seconds:
            run.step()
        trained = (run.progress.examples - before) / (time.perf_counter() - begun)
    barrier.wait()
    speed = measure_speed(config, resources)
    scoring = speed.scored_examples * sum(map(config.dev_share, config.rungs)) / speed.eval_examples_per_second
    barrier.wait()
    answers.put(config.budget.examples / trained + scoring)


def table(rates: dict[tuple[int, int], list[float]]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows."""
    first = next(iter(rates.values()))
    return ["workers", "threads each", "trials an hour", "range", "against the first"], [
        [
            str(workers),
            str(threads),
            f"{statistics.median(values):.1f}",
            f"{min(values):.1f} to {max(values):.1f}",
            f"{statistics.median(a / b for a, b in zip(values, first, strict=True)):.2f}",
        ]
        for (workers, threads), values in rates.items()
    ]

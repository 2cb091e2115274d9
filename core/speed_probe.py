"""Measures how fast a run will be, by a few real steps of it."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.precision import autocast
from core.resources import Resources
from core.run_folder import RunFolder
from core.speed import Speed
from core.task_data import sorted_batches
from core.trainer import TrainingRun

__all__ = ["measure_speed"]

_TIMED_STEPS = 4


def measure_speed(config: RunConfig, resources: Resources) -> Speed:
    """Take a few training steps and score a few dev batches; what is loaded for it stays in ``resources``."""
    torch.set_num_threads(config.compute.threads)
    with TemporaryDirectory() as folder:
        # Stages change the weights, not the speed.
        plain = config.model_copy(update={"pretraining": PretrainingConfig()})
        run = TrainingRun(plain, RunFolder(Path(folder)), resources)
        run.step()  # the first step warms caches and allocators up
        begun, before = time.perf_counter(), run.progress.examples
        for _ in range(_TIMED_STEPS):
            run.step()
        _wait_for(run.device)
        trained = (run.progress.examples - before) / (time.perf_counter() - begun)
        dev_examples = sum(len(data.dev) for data in run.tasks.values())
        seen = sum(min(config.eval.train_examples, len(data.train)) for data in run.tasks.values())
        return Speed(trained, dev_examples / _scoring_seconds(run), dev_examples + seen)


@torch.inference_mode()
def _scoring_seconds(run: TrainingRun) -> float:
    """Estimated seconds of scoring dev once: each task's middle batch, by length, stands for all of its batches."""
    run.model.eval()
    total = 0.0
    for data in run.tasks.values():
        batches = list(sorted_batches(data.dev, data.layout, data.siamese, run.config.eval.batch_size))
        begun = time.perf_counter()
        with autocast(run.config.compute, run.device):
            run.model(batches[len(batches) // 2].to(run.device))
        _wait_for(run.device)
        total += (time.perf_counter() - begun) * len(batches)
    return total


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

"""Measure how fast a run will be by taking a few real steps of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources, pick_device
from core.pretraining.stage_speed import stage_seconds
from core.run.clock import seconds_of
from core.run.precision import autocast, check_precision
from core.run.run_folder import RunFolder
from core.run.speed import Speed
from core.scoring import scored_batches
from core.trainer import TrainingRun
from data.batching import Batch

__all__ = ["measure_speed"]

_TIMED_STEPS = 4


def measure_speed(config: RunConfig, resources: Resources) -> Speed:
    """Take a few steps of each stage and of the run, and score a few dev batches.

    What is loaded stays in ``resources``; nothing that is trained is kept.
    """
    config = config.single
    torch.set_num_threads(config.compute.threads)
    device = pick_device(config.compute.device)
    check_precision(config.compute, device)
    before = stage_seconds(config, resources, device)
    with TemporaryDirectory() as folder:
        # Stages change the weights, not the speed.
        plain = config.model_copy(update={"pretraining": PretrainingConfig()})
        run = TrainingRun(plain, RunFolder(Path(folder)), resources)
        run.step()  # the first step warms up caches and allocators
        begun = run.progress.examples
        seconds = sum(seconds_of(run.step, device) for _ in range(_TIMED_STEPS))
        trained = (run.progress.examples - begun) / seconds
        dev_examples = sum(len(data.dev) for data in run.tasks.values())
        seen = sum(min(config.eval.train_examples, len(data.train)) for data in run.tasks.values())
        return Speed(trained, dev_examples / _scoring_seconds(run), dev_examples + seen, before)


@torch.no_grad()
def _scoring_seconds(run: TrainingRun) -> float:
    """Estimate the seconds that scoring dev once takes from each task's batch of median length."""
    run.model.eval()
    total = 0.0
    for data in run.tasks.values():
        batches = list(scored_batches(run.config, data.dev, data.layout, run.device))
        total += len(batches) * seconds_of(partial(_score, run, batches[len(batches) // 2]), run.device)
    return total


def _score(run: TrainingRun, batch: Batch) -> None:
    with autocast(run.config.compute, run.device):
        run.model(batch.to(run.device))

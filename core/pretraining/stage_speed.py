"""Estimate how long a run's stages will take from a few real steps of each."""

from __future__ import annotations

import torch

from core.config import RunConfig
from core.inputs.resources import Resources
from core.model.multitask import encoder_names
from core.model.randomness import preserved_random_state
from core.pretraining.stage_plan import plan_stages
from core.pretraining.stage_run import StageRun
from core.pretraining.stage_trainer import begin_stage
from core.run.clock import seconds_of

__all__ = ["stage_seconds"]

_TIMED_STEPS = 4


def stage_seconds(config: RunConfig, resources: Resources, device: torch.device) -> float:
    """Estimate the training time of a run's remaining stages, in seconds; nothing that is trained is kept.

    Every stage is timed on the encoder that the first one starts from, because weights do not affect the speed.

    Raises:
        UserError: if data or encoder cannot be used, or a stage's examples do not fill a single batch.
    """
    with preserved_random_state(device):
        timed: dict[str, float] = {}  # by the stage's key: encoders share stages
        for name in encoder_names(config):
            chain = config.pretraining.of_encoder(name)
            plan = plan_stages(config, chain, resources, resources.cache_dir, device)
            for link, _ in [] if plan is None else plan.left:
                if link.key not in timed:
                    assert plan is not None
                    run = begin_stage(link.stage, config, plan.shape, plan.weights, device)
                    timed[link.key] = link.stage.config.steps * _seconds_of_a_step(run, device)
        return sum(timed.values())


def _seconds_of_a_step(run: StageRun, device: torch.device) -> float:
    laps: list[float] = []
    while not run.finished and len(laps) <= _TIMED_STEPS:
        laps.append(seconds_of(run.step, device))
    steady = laps[1:] or laps  # the first step warms up caches and allocators
    return sum(steady) / len(steady)

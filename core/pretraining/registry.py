"""Build the stages of a run by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.config import RunConfig
from core.config.pretraining import PretrainingConfig
from core.inputs.resources import Resources
from core.pretraining.objectives.cosine_pairs import cosine_pairs_stage
from core.pretraining.objectives.mlm import mlm_stage
from core.pretraining.objectives.mnrl import mnrl_stage
from core.pretraining.objectives.nli import nli_stage
from core.pretraining.objectives.simcse import simcse_stage, supervised_simcse_stage
from core.pretraining.sources import Sources
from core.pretraining.stage import Stage

__all__ = ["in_examples", "make_stages"]

_BUILDERS: dict[str, Callable[[Any, Sources], Stage]] = {
    "mlm": mlm_stage,
    "nli": nli_stage,
    "simcse": simcse_stage,
    "supervised_simcse": supervised_simcse_stage,
    "mnrl": mnrl_stage,
    "cosine_pairs": cosine_pairs_stage,
}


def make_stages(config: RunConfig, pretraining: PretrainingConfig, resources: Resources) -> list[Stage]:
    """Build the stages of a run, in their order, with lengths in examples.

    Data are made only for a stage whose length is given in passes.

    Raises:
        UserError: if a file is missing, or those data cannot be made.
    """
    sources = Sources(config, pretraining.nli_file, resources)
    return [_in_examples(_BUILDERS[name](section, sources)) for name, section in pretraining.stages.items()]


def in_examples(config: RunConfig, resources: Resources) -> PretrainingConfig:
    """Return a run's stages with their lengths in examples; raises like :func:`make_stages`."""
    pretraining = config.pretraining
    if all(stage.passes is None for stage in pretraining.stages.values()):
        return pretraining
    stages = make_stages(config, pretraining, resources)
    return pretraining.model_copy(update={stage.name: stage.config for stage in stages})


def _in_examples(stage: Stage) -> Stage:
    if stage.config.passes is None:
        return stage
    data = stage.make_data()
    return replace(stage, config=stage.config.in_examples(len(data)), make_data=lambda: data)

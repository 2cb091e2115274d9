"""Build the stages of a run by name."""

from __future__ import annotations

from collections.abc import Callable
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

__all__ = ["make_stages"]

_BUILDERS: dict[str, Callable[[Any, Sources], Stage]] = {
    "mlm": mlm_stage,
    "nli": nli_stage,
    "simcse": simcse_stage,
    "supervised_simcse": supervised_simcse_stage,
    "mnrl": mnrl_stage,
    "cosine_pairs": cosine_pairs_stage,
}


def make_stages(config: RunConfig, pretraining: PretrainingConfig, resources: Resources) -> list[Stage]:
    """Build the stages that have examples, in their order, without making their data.

    Raises:
        UserError: if a file is missing.
    """
    sources = Sources(config, pretraining.nli_file, resources)
    return [_BUILDERS[name](section, sources) for name, section in pretraining.stages.items()]

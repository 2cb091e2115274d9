"""One stage of further pretraining, ready to be named and trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from core.config.pretraining import StageConfig
from core.model.bert import BertConfig
from core.pretraining.objectives.objective import StageObjective
from core.pretraining.stage_data import StageData

__all__ = ["Stage"]


@dataclass(frozen=True)
class Stage:
    """What a stage is.

    Attributes:
        name: of its section in ``pretraining``.
        config: its section.
        sources: what its data are made from, JSON-able: equal sources, equal data. They name the stage's result, and
            are had without making the data.
        make_data: makes the data.
        make_objective: makes the objective for an encoder of this shape; what layers it has are drawn from the
            generator, or start as ``layers`` says.
        in_batch_negatives: whether the batch's examples are each other's negatives, so that all sentences must differ.
        layers: where the objective may take layers from the encoder's checkpoint, which these are, JSON-able.
    """

    name: str
    config: StageConfig
    sources: dict[str, Any]
    make_data: Callable[[], StageData]
    make_objective: Callable[[BertConfig, torch.Generator], StageObjective]
    in_batch_negatives: bool = False
    layers: dict[str, str] = field(default_factory=dict)

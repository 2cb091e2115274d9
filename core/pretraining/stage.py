"""Describe one stage of further pretraining."""

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
    """A stage, with its settings, data and objective.

    Attributes:
        name: name of its section in ``pretraining``.
        config: its section.
        sources: what its data are made from, JSON-serialisable: equal sources give equal data. They are part of the key
            of the stage's result, and are known before the data are made.
        make_data: makes the data.
        make_objective: makes the objective for an encoder of this shape; its layers are drawn from the generator, or
            initialised as ``layers`` says.
        in_batch_negatives: whether the examples of a batch are each other's negatives, so that all sentences must
            differ.
        layers: which layers the objective takes from the encoder's checkpoint, if any, JSON-serialisable.
    """

    name: str
    config: StageConfig
    sources: dict[str, Any]
    make_data: Callable[[], StageData]
    make_objective: Callable[[BertConfig, torch.Generator], StageObjective]
    in_batch_negatives: bool = False
    layers: dict[str, str] = field(default_factory=dict)

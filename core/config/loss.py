"""Configure how the task losses of a step are combined."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.config.section import ConfigSection, NonNegative
from data.tasks import TaskName

__all__ = ["LossConfig", "Taper"]


Taper = Literal["constant", "inverse", "log"]


class LossConfig(ConfigSection):
    """How the task losses of a step are combined."""

    weights: dict[TaskName, NonNegative] = Field(
        default_factory=dict, description="relative weight of each task's loss, rescaled to mean 1; missing means 1"
    )
    taper: dict[TaskName, Taper] = Field(
        default_factory=dict,
        description="how a weight falls with the virtual epoch E = 0, 1, ...: 'inverse' 1 / (E + 1), "
        "'log' 1 / (ln(E + 1) + 1); missing means constant",
    )
    weighting: Literal["fixed", "uncertainty"] = Field(
        "fixed", description="'uncertainty' learns the weights, starting from the given ones (Kendall et al. 2018)"
    )
    uncertainty_rate: float = Field(0.01, gt=0.0, le=1.0, description="peak learning rate of the learned weights")
    count: Literal["examples", "batches"] = Field(
        "examples",
        description="with different batch sizes, what has equal weight: every example, or every batch's mean loss",
    )

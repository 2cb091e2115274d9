"""Configure terms that are added to a task's loss."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.config.section import ConfigSection, NonNegative
from data.tasks import TaskName

__all__ = ["ProximalConfig", "RDropConfig", "SmartConfig"]


class SmartConfig(ConfigSection):
    """Smoothness-inducing adversarial regularisation (SMART, Jiang et al. 2020, arXiv:1911.03437, section 3.1)."""

    weight: dict[TaskName, NonNegative] = Field(
        default_factory=dict, description="lambda of each task; missing means 0, and 0 costs nothing"
    )
    mode: Literal["paper", "released"] = Field(
        "paper", description="stay within epsilon of the embeddings, or move by about 1 like the authors' code"
    )
    steps: int = Field(1, ge=1, le=10, description="ascent steps")
    epsilon: float = Field(1e-5, gt=0.0, description="maximum change of any component of an embedding")
    sigma: float = Field(1e-5, gt=0.0, description="standard deviation of the initial, random change")
    step_size: float = Field(1e-3, gt=0.0, description="eta, the size of an ascent step")


class ProximalConfig(ConfigSection):
    """Bregman proximal point optimisation (SMART, arXiv:1911.03437, section 3.2): stay close to the averaged model."""

    weight: dict[TaskName, NonNegative] = Field(
        default_factory=dict, description="mu of each task; missing means 0, and 0 costs nothing"
    )
    decay: float = Field(0.99, ge=0.0, lt=1.0, description="beta of the averaged weights in the first tenth of a run")
    late_decay: float = Field(0.999, ge=0.0, lt=1.0, description="beta in the rest of the run")


class RDropConfig(ConfigSection):
    """Agreement of two dropout passes (R-Drop, Liang et al. 2021, arXiv:2106.14448)."""

    alpha: dict[TaskName, NonNegative] = Field(
        default_factory=dict, description="weight of the disagreement for each task; missing means 0"
    )

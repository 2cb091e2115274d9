"""Sections about a training step: whose turn it is, how losses and gradients are put together, how weights change."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.config.section import NonNegative, Section
from data.tasks import TaskName

__all__ = ["GradientsConfig", "LossConfig", "OptimConfig", "SamplerConfig", "SwaConfig", "Taper"]

Taper = Literal["constant", "inverse", "log"]


class SamplerConfig(Section):
    """Which tasks' batches a training step sees."""

    order: Literal[
        "sequence",
        "round-robin",
        "round-robin-truncated",
        "proportional",
        "annealed",
        "together",
        "shuffled",
    ] = Field(
        "proportional",
        description="one task after the other in every virtual epoch; the tasks in turn, small ones starting again or "
        "all starting again with the smallest; p_i ~ N_i^alpha; alpha falling from 1 to 0.2 over the virtual epochs "
        "(Stickland & Murray 2019); a batch of every task each step; or the batches of all tasks shuffled together",
    )
    alpha: float = Field(0.5, ge=0.0, le=1.0, description="1: by size, 0.5: square root, 0: uniform")


class LossConfig(Section):
    """How the task losses of a step become one."""

    weights: dict[TaskName, NonNegative] = Field(
        default_factory=dict, description="relative weight of each task's loss, rescaled to mean 1; missing means 1"
    )
    taper: dict[TaskName, Taper] = Field(
        default_factory=dict,
        description="how a weight falls with the virtual epoch E = 0, 1, ...: 'inverse' 1 / (E + 1), "
        "'log' 1 / (ln(E + 1) + 1); missing means constant",
    )
    weighting: Literal["fixed", "uncertainty"] = Field(
        "fixed", description="'uncertainty' learns the weights, from the given ones on (Kendall et al. 2018)"
    )
    uncertainty_rate: float = Field(0.01, gt=0.0, le=1.0, description="peak learning rate of the learned weights")
    count: Literal["examples", "batches"] = Field(
        "examples",
        description="with batch sizes that differ, what counts alike: every example, or every batch's mean loss",
    )


class GradientsConfig(Section):
    """How the tasks' gradients of the shared encoder become one."""

    rule: Literal["sum", "pcgrad", "anchored"] = Field(
        "sum",
        description="added up; added up without what conflicts (PCGrad, Yu et al. 2020); or without what conflicts "
        "with the last gradient of the anchor task",
    )
    anchor: TaskName | None = Field(None, description="rule 'anchored': the task whose gradient is left as it is")


class SwaConfig(Section):
    """Stochastic weight averaging (SWA, Izmailov et al. 2018, arXiv:1803.05407)."""

    start: float | None = Field(
        None, ge=0.0, lt=1.0, description="share of the run after which the weights are averaged evenly; None: never"
    )


class OptimConfig(Section):
    """AdamW with warm-up and decay."""

    learning_rate: float = Field(2e-5, gt=0.0, le=1.0, description="peak rate")
    head_learning_rate: float | None = Field(None, gt=0.0, le=1.0, description="of the heads; None: learning_rate")
    layer_decay: float = Field(
        1.0, gt=0.0, le=1.0, description="each layer's rate is that of the layer above times this; heads have factor 1"
    )
    weight_decay: float = Field(0.01, ge=0.0, le=1.0, description="not on biases and LayerNorm")
    beta1: float = Field(0.9, ge=0.0, lt=1.0)
    beta2: float = Field(0.999, ge=0.0, lt=1.0)
    epsilon: float = Field(1e-8, gt=0.0)
    warmup: float = Field(0.1, ge=0.0, lt=1.0, description="fraction of the planned examples")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="after the warm-up, down to 0")
    accumulate: int = Field(1, ge=1, description="turns of the batch order whose mean gradient makes one update")
    clip_norm: float | None = Field(1.0, gt=0.0, description="largest L2 norm of the whole gradient; None: no clipping")
    ema: float | None = Field(
        None, gt=0.0, lt=1.0, description="evaluate an exponential moving average of the weights with this decay a step"
    )

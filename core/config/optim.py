"""Configure how weights are updated, and which average of them is scored."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.config.section import ConfigSection

__all__ = ["OptimConfig", "SwaConfig"]


class OptimConfig(ConfigSection):
    """AdamW with warm-up and decay."""

    learning_rate: float = Field(2e-5, gt=0.0, le=1.0, description="peak rate")
    head_learning_rate: float | None = Field(
        None, gt=0.0, le=1.0, description="peak rate of the heads; None: learning_rate"
    )
    layer_decay: float = Field(
        1.0, gt=0.0, le=1.0, description="factor of each layer's rate relative to the layer above; heads have factor 1"
    )
    weight_decay: float = Field(0.01, ge=0.0, le=1.0, description="not applied to biases and LayerNorm")
    beta1: float = Field(0.9, ge=0.0, lt=1.0)
    beta2: float = Field(0.999, ge=0.0, lt=1.0)
    epsilon: float = Field(1e-8, gt=0.0)
    warmup: float = Field(0.1, ge=0.0, lt=1.0, description="fraction of the planned examples")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="decay to 0 after the warm-up")
    accumulate: int = Field(1, ge=1, description="turns of the batch order whose mean gradient makes one update")
    clip_norm: float | None = Field(1.0, gt=0.0, description="maximum L2 norm of the whole gradient; None: no clipping")
    ema: float | None = Field(
        None, gt=0.0, lt=1.0, description="decay per step of an exponential moving average of the weights to evaluate"
    )


class SwaConfig(ConfigSection):
    """Stochastic weight averaging (SWA, Izmailov et al. 2018, arXiv:1803.05407)."""

    start: float | None = Field(
        None, ge=0.0, lt=1.0, description="share of the run after which the weights are averaged evenly; None: never"
    )

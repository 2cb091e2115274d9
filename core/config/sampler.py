"""Configure which task trains next."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.config.section import ConfigSection

__all__ = ["SamplerConfig"]


class SamplerConfig(ConfigSection):
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
        description="one task after the other in every virtual epoch; the tasks in turn, with small ones restarting or "
        "all restarting with the smallest; p_i ~ N_i^alpha; alpha falling from 1 to 0.2 over the virtual epochs "
        "(Stickland & Murray 2019); a batch of every task each step; or the batches of all tasks shuffled together",
    )
    alpha: float = Field(0.5, ge=0.0, le=1.0, description="1: by size, 0.5: square root, 0: uniform")

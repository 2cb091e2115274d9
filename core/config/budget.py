"""Configure how much is trained, when dev is scored, and where it is computed."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from core.config.section import ConfigSection

__all__ = ["BudgetConfig", "ComputeConfig", "EvalConfig"]


class BudgetConfig(ConfigSection):
    """How much a full run trains."""

    examples: int = Field(20_000, ge=1, description="planned training examples, all tasks together")
    batch_size: int = Field(16, ge=1, description="examples per batch, unless the task sets its own batch_size")
    epochs: int = Field(10, ge=1, description="virtual epochs that schedules divide the planned examples into")


class EvalConfig(ConfigSection):
    """When and how dev is scored."""

    rungs: int | tuple[int, ...] = Field(
        5, description="number of evenly spaced evaluations, or their positions in training examples"
    )
    batch_size: int = Field(64, ge=1, description="examples per forward pass")
    train_examples: int = Field(
        200, ge=0, description="training examples of each task that are also scored, for the gap between train and dev"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if isinstance(self.rungs, int):
            if self.rungs < 1:
                raise ValueError(f"eval.rungs must be at least 1, got {self.rungs}")
        elif not self.rungs or list(self.rungs) != sorted(set(self.rungs)) or self.rungs[0] < 1:
            raise ValueError(f"eval.rungs must be ascending and at least 1, got {list(self.rungs)}")
        return self


class ComputeConfig(ConfigSection):
    """Hardware settings that affect floating-point rounding."""

    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto: cuda, else mps, else cpu")
    threads: int = Field(1, ge=1, le=1024, description="CPU threads of one run")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="precision of matrix products; weights and losses stay float32 (autocast)"
    )

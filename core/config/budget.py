"""Configure how much is trained, when dev is scored, and where it is computed."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, StrictInt, field_validator, model_validator

from core.config.section import ConfigSection, added

__all__ = ["BudgetConfig", "ComputeConfig", "EvalConfig"]


class BudgetConfig(ConfigSection):
    """How much a full run trains."""

    examples: int = Field(20_000, ge=1, description="planned training examples, all tasks together")
    batch_size: int = Field(16, ge=1, description="examples per batch, unless the task sets its own batch_size")
    epochs: int = Field(10, ge=1, description="virtual epochs that schedules divide the planned examples into")


class EvalConfig(ConfigSection):
    """When and how dev is scored."""

    rungs: int | tuple[StrictInt, ...] | tuple[float, ...] = Field(
        5,
        description="number of evenly spaced evaluations, or their positions: in training examples (whole numbers), or "
        "in shares of the budget (0.25, 0.5, 1.0)",
    )
    batch_size: int = Field(64, ge=1, description="the most examples per forward pass; fewer where rows are long")
    train_examples: int = Field(
        200, ge=0, description="training examples of each task that are also scored, for the gap between train and dev"
    )

    early_share: float = added(
        1.0,
        "share of each task's dev examples, and of train_examples, that all rungs but the last score: the same ones in "
        "every run, stratified by label; the weights are then those of the last rung",
        gt=0.0,
        le=1.0,
    )

    @field_validator("rungs", mode="before")
    @classmethod
    def _read_whole_numbers(cls, value: object) -> object:
        """Read ``[1000.0, 2000.0]`` as examples; numbers up to 1 with a point, such as ``[1.0]``, are shares."""
        if not isinstance(value, list | tuple) or not any(isinstance(rung, float) and rung > 1 for rung in value):
            return value
        return [int(rung) if isinstance(rung, float) and rung.is_integer() else rung for rung in value]

    @model_validator(mode="after")
    def _check(self) -> Self:
        rungs = self.rungs
        if isinstance(rungs, int):
            if rungs < 1:
                raise ValueError(f"eval.rungs must be at least 1, got {rungs}")
            return self
        rise = list(rungs) == sorted(set(rungs))
        if self.are_shares:
            if not rise or not rungs[0] > 0.0 or rungs[-1] > 1.0:
                raise ValueError(
                    "eval.rungs must be ascending whole numbers of training examples, or ascending shares of the "
                    f"budget above 0 and at most 1, got {list(rungs)}"
                )
        elif not rungs or not rise or rungs[0] < 1:
            raise ValueError(f"eval.rungs must be ascending and at least 1, got {list(rungs)}")
        return self

    @property
    def are_shares(self) -> bool:
        """Return whether the rungs are given in shares of the budget."""
        return not isinstance(self.rungs, int) and any(isinstance(rung, float) for rung in self.rungs)

    def positions(self, examples: int) -> tuple[int, ...]:
        """Return where dev is scored in a run of this many training examples, ascending; the last is its end."""
        if isinstance(self.rungs, int):
            count = min(self.rungs, examples)
            return tuple(round(examples * (k + 1) / count) for k in range(count))
        given = [max(1, round(examples * rung)) if self.are_shares else int(rung) for rung in self.rungs]
        return tuple(dict.fromkeys([*given, examples]))  # shares of a short run may fall on the same example


class ComputeConfig(ConfigSection):
    """Hardware settings that affect floating-point rounding."""

    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto: cuda, else mps, else cpu")
    threads: int = Field(1, ge=1, le=1024, description="CPU threads of one run")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "float32",
        description="precision of matrix products; weights and losses stay float32 (autocast). auto, only in studies: "
        "bfloat16 where it is measured to be faster, else float32",
    )
    gradient_checkpointing: bool = added(
        False,
        description="keep only the inputs of layers in training, and compute the layers again for their gradients: "
        "less memory, the same result, about a third more time",
    )

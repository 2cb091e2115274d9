"""Sections about the tasks: where their data is, and their part in the run."""

from __future__ import annotations

from pydantic import Field

from core.config.section import ConfigSection
from data.tasks import TaskSpec

__all__ = ["DataConfig", "TaskConfig"]


class DataConfig(ConfigSection):
    """Where the split files are."""

    directory: str = Field("data", min_length=1, description="folder that holds the tasks' files")


class TaskConfig(ConfigSection):
    """A task's part in the run."""

    spec: TaskSpec
    score_weight: float = Field(1.0, gt=0.0, description="weight in the overall score, relative to the other tasks")
    train_limit: int | None = Field(None, ge=1, description="use a fixed random subset of this many training examples")
    dev_limit: int | None = Field(None, ge=2, description="score on a fixed random subset of this many dev examples")
    batch_size: int | None = Field(None, ge=1, description="examples of the task in a batch; None: budget.batch_size")

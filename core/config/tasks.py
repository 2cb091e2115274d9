"""Configure the tasks: where their data is, and how a run uses it."""

from __future__ import annotations

from pydantic import Field

from core.config.section import ConfigSection, added
from data.tasks import TaskSpec

__all__ = ["DataConfig", "TaskConfig"]


class DataConfig(ConfigSection):
    """The folder of the split files, and of tasks in folds the one that is dev."""

    directory: str = Field("data", min_length=1, description="folder of the tasks' files")
    fold: int | None = added(None, "the fold that is dev, from 0; None: each in turn, by a model of its own", ge=0)


class TaskConfig(ConfigSection):
    """A task, and how the run uses it."""

    spec: TaskSpec
    score_weight: float = Field(1.0, gt=0.0, description="weight in the overall score, relative to the other tasks")
    train_limit: int | None = Field(None, ge=1, description="use a fixed random subset of this many training examples")
    dev_limit: int | None = Field(None, ge=2, description="score on a fixed random subset of this many dev examples")
    batch_size: int | None = Field(None, ge=1, description="examples per batch of the task; None: budget.batch_size")

    def train_size(self, examples: int) -> int:
        """Return how many of this number of training examples a run uses; of tasks in folds, in a fold of mean size."""
        if self.spec.folds is not None:
            examples = round(examples * (1 - 1 / self.spec.folds))
        return examples if self.train_limit is None else min(examples, self.train_limit)

"""Count the training examples of each task as a run uses them, without tokenising anything."""

from __future__ import annotations

from pathlib import Path

from core.config import RunConfig
from core.inputs.augmentation import TaskAugmentation
from data.reading import read_split

__all__ = ["training_sizes"]


def training_sizes(config: RunConfig, answers_dir: Path) -> dict[str, int]:
    """Return the number of training examples by task, including additional ones.

    Args:
        config: the run.
        answers_dir: folder of a language model's answers; see :func:`core.inputs.augmentation.answers_dir`.

    Raises:
        UserError: if a file is missing or cannot be read.
    """
    return {name: _size(config, name, answers_dir) for name in config.tasks}


def _size(config: RunConfig, name: str, answers_dir: Path) -> int:
    task, augmentation = config.tasks[name], config.augmentation[name]
    own = task.train_size(len(read_split(task.spec, Path(config.data.directory), "train")))
    if not augmentation.sources:
        return own
    additional = len(TaskAugmentation(config, name, answers_dir).make())
    return own + additional if augmentation.original else additional

"""Read the dev examples that a run is scored on, and their labels, without tokenising anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.config import RunConfig
from core.inputs.fixed_subset import fixed_subset
from data.gold import Labels
from data.reading import RawSplit, read_split
from data.splitting.holdout import Indices

__all__ = ["dev_examples", "dev_folds", "dev_gold"]


def dev_examples(
    config: RunConfig, task: str, directory: Path | None = None, other_columns: Sequence[str] = ()
) -> RawSplit:
    """Read the dev examples of a task with their labels, in the order of the run's predictions.

    Args:
        config: the run.
        task: one of its tasks.
        directory: where the task's files are now; None for where the run had them.
        other_columns: further columns to keep where the file has them; see :attr:`data.reading.RawSplit.other_columns`.

    Raises:
        UserError: if the dev file is missing or cannot be read; see :func:`data.reading.read_split`.
    """
    section = config.tasks[task]
    split = read_split(section.spec, directory or Path(config.data.directory), "dev", other_columns)
    return split.subset(fixed_subset(len(split), section.dev_limit, task))


def dev_gold(config: RunConfig, task: str) -> Labels:
    """Read the gold labels of :func:`dev_examples`: class indices or scores, (N,).

    Raises:
        UserError: see :func:`dev_examples`.
    """
    labels = dev_examples(config, task).labels
    assert labels is not None, "dev files without labels are refused when read"
    return labels


def dev_folds(config: RunConfig, task: str) -> Indices | None:
    """Read the folds of :func:`dev_examples`, (N,); None if they are in none.

    Raises:
        UserError: see :func:`dev_examples`.
    """
    return None if config.folds is None else dev_examples(config, task).folds

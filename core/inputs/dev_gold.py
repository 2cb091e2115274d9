"""The dev examples that a run is scored on, and their labels, without tokenising anything."""

from __future__ import annotations

from pathlib import Path

from core.config import RunConfig
from core.inputs.fixed_subset import fixed_subset
from data.gold import Labels
from data.reading import RawSplit, read_split

__all__ = ["dev_examples", "dev_gold"]


def dev_examples(config: RunConfig, task: str, directory: Path | None = None) -> RawSplit:
    """The examples, in the order of the run's predictions, with labels.

    Args:
        config: of the run.
        task: one of its tasks.
        directory: where its files are now; None: where the run had them.

    Raises:
        UserError: if the dev file is missing or cannot be read; see :func:`data.reading.read_split`.
    """
    section = config.tasks[task]
    split = read_split(section.spec, directory or Path(config.data.directory), "dev")
    return split.subset(fixed_subset(len(split), section.dev_limit, task))


def dev_gold(config: RunConfig, task: str) -> Labels:
    """Class indices or scores of the dev examples that the run is scored on, in the order of its predictions, (N,).

    Raises:
        UserError: as :func:`dev_examples`.
    """
    labels = dev_examples(config, task).labels
    assert labels is not None, "dev files without labels are refused when read"
    return labels

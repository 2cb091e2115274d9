"""The labels that a run's dev predictions are judged by, without tokenising anything."""

from __future__ import annotations

from pathlib import Path

from core.config import RunConfig
from core.fixed_subset import fixed_subset
from data.gold import Labels
from data.reading import read_split

__all__ = ["dev_gold"]


def dev_gold(config: RunConfig, task: str) -> Labels:
    """Class indices or scores of the dev examples that the run is scored on, in the order of its predictions, (N,).

    Raises:
        UserError: if the dev file is missing or cannot be read; see :func:`data.reading.read_split`.
    """
    section = config.tasks[task]
    labels = read_split(section.spec, Path(config.data.directory), "dev").labels
    assert labels is not None, "dev files without labels are refused when read"
    scored: Labels = labels[fixed_subset(len(labels), section.dev_limit, task)]
    return scored

"""Configurations, each trained with several seeds, in numbers: intervals of their means, and differences of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.config import RunConfig
from core.statistics import ScoreIntervals
from data.errors import UserError
from search.analysis.dev_bootstrap import score_replicates
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["OVERALL", "Difference", "by_configuration", "gain_in", "score_intervals", "score_values"]

OVERALL = "overall"


@dataclass(frozen=True)
class Difference:
    """Of two means, paired by dev examples.

    Attributes:
        value: in the score's own units, above 0 where the first is better.
        half_width: of its 95 % interval; None where nothing is known of chance.
    """

    value: float
    half_width: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.half_width is not None and abs(self.value) > self.half_width

    @property
    def verdict(self) -> Literal["helps", "harms", "unclear"]:
        """On which side of 0 the interval lies."""
        if not self.is_clear:
            return "unclear"
        return "helps" if self.value > 0 else "harms"


def score_intervals(
    runs: Mapping[str, Sequence[FinishedTrial]], folders: TrialFolders, config: RunConfig
) -> tuple[dict[str, ScoreIntervals], str]:
    """Compute intervals of ``overall`` and each task, and why they leave out the dev examples, if so.

    Args:
        runs: finished ones of each configuration, at least one.
        folders: where they left their predictions.
        config: the tasks, and where their dev files are.
    """
    records = [record for of in runs.values() for record in of]
    replicates, unknown = None, ""
    try:
        replicates = score_replicates(records, folders, config)
    except UserError as error:
        unknown = str(error)
    found = {}
    for row in (OVERALL, *config.tasks):
        values = [np.array(score_values(of, row)) for of in runs.values()]
        drawn = None if replicates is None else list(by_configuration(runs, replicates[row]).values())
        found[row] = ScoreIntervals(values, drawn)
    return found, unknown


def by_configuration(runs: Mapping[str, Sequence[FinishedTrial]], together: np.ndarray) -> dict[str, np.ndarray]:
    """Split what was computed for all runs, (replicates, runs), by configuration."""
    ends = np.cumsum([len(of) for of in runs.values()])
    return dict(zip(runs, np.split(together, ends[:-1], axis=1), strict=True))


def gain_in(row: str, value: float, reference: float, config: RunConfig) -> float:
    """Return by how much a score is better than another, by task or ``overall``; negative if it is worse."""
    return value - reference if row == OVERALL else config.tasks[row].spec.metric.gain(value, reference)


def score_values(records: Sequence[FinishedTrial], row: str) -> list[float]:
    """Return a score of each finished run, by task or ``overall``."""
    found = [one.result.overall if row == OVERALL else one.result.scores[row] for one in records]
    return [value for value in found if value is not None]

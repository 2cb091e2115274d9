"""Compute and explain intervals of configurations' means over seeds, and of differences of two."""

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

__all__ = [
    "OVERALL",
    "Difference",
    "apart_notes",
    "by_configuration",
    "gain_in",
    "interval_note",
    "interval_scope",
    "score_intervals",
    "score_values",
]

OVERALL = "overall"
_ONE_SEED = "with one seed per configuration, the spread over seeds is not known"


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

    Each configuration has at least one finished run.
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


def interval_note(seeds_known: bool, examples_unknown: str) -> str:
    """Explain the ± in a sentence.

    Args:
        seeds_known: whether the intervals include the variation between seeds.
        examples_unknown: why they do not include that between dev examples; empty if they do.
    """
    scope = interval_scope(seeds_known, examples_unknown)
    if scope:
        return f"± is half the width of a 95 % interval {scope}."
    return f"There are no intervals: {_ONE_SEED}, and neither is the effect of other dev examples: {examples_unknown}."


def interval_scope(seeds_known: bool, examples_unknown: str) -> str:
    """Say what an interval is for, such as ``for other dev examples and other seeds``; empty if there is none."""
    match seeds_known, examples_unknown:
        case True, "":
            return "for other dev examples and other seeds"
        case False, "":
            return f"for other dev examples only: {_ONE_SEED}"
        case True, reason:
            return f"for other seeds only, not for other dev examples: {reason}"
        case _:
            return ""


def apart_notes(apart: Mapping[str, Sequence[str]]) -> list[str]:
    """Write a sentence for each row whose spread over seeds is not pooled with the others'.

    Args:
        apart: by row, the scores for which :attr:`core.statistics.ScoreIntervals.apart` names it; rows without any are
            left out. For ``overall`` alone no score is named.
    """
    lines = []
    for row, scores in apart.items():
        if scores:
            where = "" if list(scores) == ["overall"] else f" in {' and '.join(scores)}"
            lines.append(f"The runs of {row} vary so much{where} that its interval is based on them alone.")
    return lines

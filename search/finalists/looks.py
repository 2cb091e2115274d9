"""Which finalists are clearly behind, and get no further seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.config import RunConfig
from core.metrics import ScoreIntervals
from data.errors import UserError
from search.dev_bootstrap import overall_replicates
from search.replication import Runs
from search.trial_folders import TrialFolders

__all__ = ["Behind", "Looks", "clearly_behind", "look_level"]

_ERROR = 0.05  # of all looks at all pairs together


@dataclass(frozen=True)
class Behind:
    """A configuration that is clearly worse than the leader.

    Attributes:
        leader: name of the one with the highest mean.
        seeds: how many both had.
        by: difference of their means, above 0.
        half_width: of its interval, less than ``by``.
    """

    leader: str
    seeds: int
    by: float
    half_width: float

    def describe(self) -> str:
        """``after 2 seeds 0.0310 ± 0.0120 behind trial 7``."""
        return f"after {self.seeds} seeds {self.by:.4f} ± {self.half_width:.4f} behind {self.leader}"


def look_level(configurations: int, seeds: int) -> float:
    """How sure one look at one pair has to be, so that all of them together err in at most 5 of 100 cases (Bonferroni).

    There is a look after the second seed and after each further one but the last, and in each the best configuration
    may be taken for worse than any other one. Only half of these errors, at most, drop it: the other half would be that
    it looks clearly better.

    Args:
        configurations: how many, at least 2.
        seeds: of each, at least 3.
    """
    return 1.0 - _ERROR / ((seeds - 2) * (configurations - 1))


def clearly_behind(
    scores: Mapping[str, np.ndarray], replicates: Mapping[str, np.ndarray], level: float
) -> dict[str, Behind]:
    """The configurations whose difference to the leader is below 0 in an interval of this level.

    Only those with as many runs as any are compared: others were dropped before, or runs of theirs failed.

    Args:
        scores: of each configuration, of its runs, (n,).
        replicates: of each, (replicates, n); see :class:`core.metrics.ScoreIntervals`.
        level: of the intervals.
    """
    scores = {name: of for name, of in scores.items() if len(of)}
    most = max(len(of) for of in scores.values())
    compared = [name for name, of in scores.items() if len(of) == most]
    intervals = ScoreIntervals(list(scores.values()), [replicates[name] for name in scores], level)
    place = {name: index for index, name in enumerate(scores)}
    leader = max(compared, key=lambda name: scores[name].mean())
    found = {}
    for name in compared:
        by = float(scores[leader].mean() - scores[name].mean())
        half = intervals.difference_half_width(place[name], place[leader])
        if name != leader and half is not None and by > half:
            found[name] = Behind(leader, most, by, half)
    return found


@dataclass
class Looks:
    """Asked between two seeds which configurations to drop; a :data:`search.replication.Drop`.

    Attributes:
        seeds: that a configuration gets if it is not dropped.
        config: the tasks, and where their dev files are.
        folders: where the runs left their predictions.
        dropped: those that were, by name.
    """

    seeds: int
    config: RunConfig
    folders: TrialFolders
    dropped: dict[str, Behind] = field(default_factory=dict)

    def __call__(self, runs: Runs) -> Sequence[str]:
        """Names of those that are clearly behind; nobody where the dev predictions of the runs are gone."""
        records = [record for of in runs.values() for record in of]
        if len(runs) < 2 or not records:
            return []
        try:
            together = overall_replicates(records, self.folders, self.config)
        except UserError:
            return []
        ends = np.cumsum([len(of) for of in runs.values()])
        replicates = dict(zip(runs, np.split(together, ends[:-1], axis=1), strict=True))
        scores = {name: np.array([record.result.overall for record in of]) for name, of in runs.items()}
        found = clearly_behind(scores, replicates, look_level(len(runs), self.seeds))
        new = {name: one for name, one in found.items() if name not in self.dropped}
        self.dropped |= new
        return list(new)

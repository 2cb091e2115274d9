"""Find finalists that are clearly behind, which get no further seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.config import RunConfig
from core.statistics import ScoreIntervals
from data.errors import UserError
from search.analysis.dev_bootstrap import score_replicates
from search.analysis.seed_intervals import OVERALL, by_configuration, score_values
from search.finalists.replication import Runs
from search.finalists.selection import contenders
from search.trials.folders import TrialFolders

__all__ = ["ClearlyWorse", "SequentialTest", "clearly_behind", "look_level"]

_ERROR = 0.05  # of all looks at all pairs together


@dataclass(frozen=True)
class ClearlyWorse:
    """A configuration that is clearly worse than the leader.

    Attributes:
        leader: name of the one with the highest mean of those that can win.
        seeds: how many had been trained.
        by: difference of their means, above 0.
        half_width: of its interval, less than ``by``.
        level: of the interval, see :func:`look_level`.
    """

    leader: str
    seeds: int
    by: float
    half_width: float
    level: float

    def describe(self) -> str:
        """``after 2 seeds 0.0310 ± 0.0120 (a 97.5 % interval) behind trial 7``."""
        interval = f"± {self.half_width:.4f} (a {100 * self.level:.4g} % interval)"
        return f"after {self.seeds} seeds {self.by:.4f} {interval} behind {self.leader}"


def look_level(configurations: int, seeds: int) -> float:
    """Return the level of one look at one pair, so that all together err in at most 5 of 100 cases (Bonferroni).

    There is a look after the second seed and after each further one but the last, and in each the best configuration
    may be taken for worse than any other one. Only half of these errors, at most, drop it: the other half would be that
    it looks clearly better.

    Args:
        configurations: at least 2.
        seeds: of each, at least 3.
    """
    return 1.0 - _ERROR / ((seeds - 2) * (configurations - 1))


def clearly_behind(
    scores: Mapping[str, np.ndarray],
    replicates: Mapping[str, np.ndarray],
    level: float,
    leaders: Collection[str],
    dropped: Collection[str] = (),
) -> dict[str, ClearlyWorse]:
    """Find the configurations whose difference from the leader is below 0 in an interval of this level.

    Args:
        scores: of each configuration, of its runs, (n,).
        replicates: of each, (replicates, n); see :class:`core.statistics.ScoreIntervals`.
        leaders: those that can win; the best of them is the leader. Without any, nobody is behind: who is better than
            all others and cannot win must not drop them.
        dropped: those that are not compared again.
    """
    scores = {name: of for name, of in scores.items() if len(of)}
    leader = max(leaders, key=lambda name: scores[name].mean(), default=None)
    if leader is None:
        return {}
    intervals = ScoreIntervals(list(scores.values()), [replicates[name] for name in scores], level)
    place = {name: index for index, name in enumerate(scores)}
    found = {}
    for name in scores:
        by = float(scores[leader].mean() - scores[name].mean())
        half = intervals.difference_half_width(place[name], place[leader])
        if name != leader and name not in dropped and half is not None and by > half:
            found[name] = ClearlyWorse(leader, max(map(len, scores.values())), by, half, level)
    return found


@dataclass
class SequentialTest:
    """Asked between two seeds which configurations to drop; a :data:`search.finalists.replication.Drop`.

    Attributes:
        seeds: that a configuration gets if it is not dropped.
        config: the tasks, and where their dev files are.
        folders: where the runs left their predictions.
        floors: means of tasks below which none leads.
        dropped: those that were, by name.
    """

    seeds: int
    config: RunConfig
    folders: TrialFolders
    floors: Mapping[str, float]
    dropped: dict[str, ClearlyWorse] = field(default_factory=dict)

    def __call__(self, runs: Runs) -> Sequence[str]:
        """Return the names of those that are clearly behind; none if the dev predictions of the runs are missing."""
        records = [record for of in runs.values() for record in of]
        if len(runs) < 2 or not records:
            return []
        try:
            together = score_replicates(records, self.folders, self.config)["overall"]
        except UserError:
            return []
        replicates = by_configuration(runs, together)
        scores = {name: np.array(score_values(of, OVERALL)) for name, of in runs.items()}
        leaders = contenders(runs, self.floors, self.dropped)
        new = clearly_behind(scores, replicates, look_level(len(runs), self.seeds), leaders, self.dropped)
        self.dropped |= new
        return list(new)

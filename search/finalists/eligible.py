"""Decide which finalists can win, given their runs so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import fmean

from search.analysis.seed_intervals import OVERALL, score_values
from search.finalists.replication import Runs
from search.trials.record import FinishedTrial

__all__ = ["below_floors", "contenders"]


def contenders(runs: Runs, floors: Mapping[str, float], dropped: Collection[str]) -> dict[str, float]:
    """Return the mean overall scores, by name, of the configurations that can win.

    Neither one that was dropped can, nor one whose mean score in a task is below its floor. Of the others, those with
    the most runs can: where some of a configuration's runs failed, its mean is over seeds that did it no harm.

    Args:
        runs: finished ones of each configuration, of the seeds so far.
        floors: means that tasks must reach; for errors, not exceed.
        dropped: names of those that get no further seed.
    """
    able = {name: of for name, of in runs.items() if of and name not in dropped and not below_floors(of, floors)}
    most = max(map(len, able.values()), default=0)
    return {name: fmean(score_values(of, OVERALL)) for name, of in able.items() if len(of) == most}


def below_floors(records: Sequence[FinishedTrial], floors: Mapping[str, float]) -> dict[str, float]:
    """Return the mean scores of the tasks in which a configuration's runs miss the floor (for errors, the ceiling)."""
    means, config = {task: fmean(score_values(records, task)) for task in floors}, records[0].config
    return {task: mean for task, mean in means.items() if config.tasks[task].spec.metric.gain(mean, floors[task]) < 0}

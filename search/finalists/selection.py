"""Decide which finalists can win, record the winner, and delete the models of the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import fmean

import optuna

from search.analysis.seed_intervals import OVERALL, score_values
from search.finalists.finalists_request import FinalistsRequest
from search.finalists.replication import Runs, trained_runs
from search.recorded.ranking import WinnerByMean
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["below_floors", "contenders", "record_winner"]


DROPPED = "dropped"
"""Attribute of the finalists' study: by name, why configurations got no further seed."""


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


def record_winner(
    study: optuna.Study, request: FinalistsRequest, dropped: Mapping[str, str], folders: TrialFolders
) -> WinnerByMean | None:
    """Name the configuration with the highest mean overall score over its runs, and keep the models of these alone.

    Who can win says :func:`contenders`, with the floors of the study that they are finalists of. Only these are
    recorded with the choice: no other one would win with other dev examples either.

    Args:
        study: the finalists' study, trained to its end.
        dropped: by name, why configurations got no further seed.

    Returns:
        What was recorded; None if nobody can win, and nothing was.
    """
    runs = trained_runs(study, request.seeds, [one.name for one in request.candidates])
    means = contenders(runs, request.floors, dropped)
    if not means:
        return None
    winner = max(means, key=lambda name: means[name])
    choice = WinnerByMean(winner, {name: tuple(record.number for record in runs[name]) for name in means})
    study.set_user_attr(DROPPED, dict(dropped))
    choice.record(study)
    for trial in study.get_trials(deepcopy=False):
        folders.tidy(trial.number, keep_model=trial.number in choice.trials)
    return choice

"""The end of the final: a winner is recorded, and the models of the others are freed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import optuna

from search.finalists.finalist import OVERALL
from search.finalists.looks import Looks
from search.finalists.outcome import DROPPED
from search.finalists.request import Request
from search.finished_study import Choice
from search.replication import Runs, trained_runs
from search.trial_folders import TrialFolders
from search.trial_record import TrialRecord

__all__ = ["conclude"]


def conclude(study: optuna.Study, request: Request, looks: Looks, folders: TrialFolders) -> Choice | None:
    """Name the configuration with the highest mean overall score over its runs, and keep the models of these alone.

    Neither one that was dropped can win, nor one whose mean score in a task is below a floor of the study that they are
    finalists of.

    Args:
        study: the finalists' study, trained to its end.
        request: what was trained.
        looks: which were dropped.
        folders: of the finalists' study.

    Returns:
        What was recorded; None if nobody can win, and nothing was.
    """
    runs = trained_runs(study, request.seeds, [one.name for one in request.candidates])
    means = _contenders(runs, request.floors, looks.dropped)
    if not means:
        return None
    winner = max(means, key=lambda name: means[name])
    choice = Choice(winner, {name: tuple(record.number for record in of) for name, of in runs.items()})
    study.set_user_attr(DROPPED, {name: behind.describe() for name, behind in looks.dropped.items()})
    choice.record(study)
    for trial in study.get_trials(deepcopy=False):
        folders.tidy(trial.number, keep_model=trial.number in choice.trials)
    return choice


def _contenders(runs: Runs, floors: Mapping[str, float], dropped: Mapping[str, object]) -> dict[str, float]:
    """Mean overall scores by name."""
    return {
        name: _mean(of, OVERALL)
        for name, of in runs.items()
        if of and name not in dropped and all(_mean(of, task) >= floor for task, floor in floors.items())
    }


def _mean(records: Sequence[TrialRecord], row: str) -> float:
    return fmean((one.result.overall or 0.0) if row == OVERALL else one.result.scores[row] for one in records)

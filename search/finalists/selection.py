"""Record the winner of a final and delete the models of the others."""

from __future__ import annotations

import optuna

from search.finalists.eligible import contenders
from search.finalists.final_outcome import DROPPED
from search.finalists.finalists_request import FinalistsRequest
from search.finalists.replication import trained_runs
from search.finalists.sequential_test import SequentialTest
from search.recorded.ranking import Choice
from search.trials.folders import TrialFolders

__all__ = ["record_winner"]


def record_winner(
    study: optuna.Study, request: FinalistsRequest, looks: SequentialTest, folders: TrialFolders
) -> Choice | None:
    """Name the configuration with the highest mean overall score over its runs, and keep the models of these alone.

    Who can win says :func:`search.finalists.eligible.contenders`, with the floors of the study that they are
    finalists of. Only these are recorded with the choice: no other one would win with other dev examples either.

    Args:
        study: the finalists' study, trained to its end.
        request: what was trained.
        looks: which were dropped.
        folders: of the finalists' study.

    Returns:
        What was recorded; None if nobody can win, and nothing was.
    """
    runs = trained_runs(study, request.seeds, [one.name for one in request.candidates])
    means = contenders(runs, request.floors, looks.dropped)
    if not means:
        return None
    winner = max(means, key=lambda name: means[name])
    choice = Choice(winner, {name: tuple(record.number for record in runs[name]) for name in means})
    study.set_user_attr(DROPPED, {name: behind.describe() for name, behind in looks.dropped.items()})
    choice.record(study)
    for trial in study.get_trials(deepcopy=False):
        folders.tidy(trial.number, keep_model=trial.number in choice.trials)
    return choice

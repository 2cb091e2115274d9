"""The scored rungs of trials, with the dev predictions that each left on disk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.statistics import Bags, BagScores
from data.gold import Labels
from data.tasks import TaskSpec
from search.trials.artifacts import check_score, check_size, load_predictions
from search.trials.folders import TrialFolders

__all__ = ["Checkpoint", "score_bags", "stored_checkpoints"]

_AT_ONCE = 32  # checkpoints whose predictions are in memory


@dataclass(frozen=True)
class Checkpoint:
    """A trial at one of its rungs.

    Attributes:
        trial: its number.
        run: its folder.
        evaluation: its scores as they were recorded.
    """

    trial: int
    run: RunFolder
    evaluation: Evaluation

    def predictions(self, spec: TaskSpec, size: int) -> np.ndarray:
        """Read the predictions for a task's scored dev examples: class probabilities (N, K) or scores (N,).

        Raises:
            UserError: if they are gone or cannot be read, or are not of ``size`` examples.
        """
        stored = load_predictions(self.run, self.trial, spec.name, self.evaluation.rung)
        check_size(stored, size, spec, self.trial)
        return stored


def stored_checkpoints(
    trials: Iterable[int], folders: TrialFolders, tasks: Collection[str]
) -> tuple[list[Checkpoint], tuple[int, ...]]:
    """Return all rungs of the trials, by trial and rung, and the numbers of trials with missing predictions.

    Of the latter none of the rungs is among the former.
    """
    found: list[Checkpoint] = []
    gone: list[int] = []
    for trial in trials:
        run = folders.run(trial)
        of_trial = [Checkpoint(trial, run, evaluation) for evaluation in _evaluations(run)]
        rungs = [one.evaluation.rung for one in of_trial]
        if rungs and all(run.predictions(task, rung).is_file() for task in tasks for rung in rungs):
            found += of_trial
        else:
            gone.append(trial)
    return found, tuple(gone)


def _evaluations(run: RunFolder) -> list[Evaluation]:
    try:
        return run.read_metrics()
    except (OSError, ValueError, TypeError):  # cut short or edited: no reason to lose what is known of other trials
        return []


def score_bags(checkpoints: Sequence[Checkpoint], spec: TaskSpec, gold: Labels, bags: Bags) -> BagScores:
    """Score a task in every bag, with few predictions in memory at a time.

    Raises:
        UserError: if predictions cannot be read, or with these labels do not give the scores that were recorded.
    """
    parts = []
    for start in range(0, len(checkpoints), _AT_ONCE):
        some = checkpoints[start : start + _AT_ONCE]
        part = bags.scores(spec, [one.predictions(spec, len(gold)) for one in some], gold)
        for one, score in zip(some, part.whole, strict=True):
            check_score(float(score), one.evaluation.scores[spec.name], spec, one.trial)
        parts.append(part)
    return BagScores.joined(parts)

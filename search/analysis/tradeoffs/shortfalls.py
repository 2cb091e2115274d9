"""Find the trials that no other one beats on all tasks, and what the overall winner gives up on each task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
import pandas as pd

from core.inputs.dev_gold import dev_examples
from core.statistics import Interval
from data.errors import UserError
from search.analysis.dev_bootstrap import stored_predictions, task_replicates
from search.recorded.trial_columns import SCORE
from search.recorded.trial_table import winnable
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["Shortfall", "nondominated", "winner_shortfalls"]


def nondominated(scores: np.ndarray) -> np.ndarray:
    """Return which rows no other row dominates, that is, is at least as good in all columns and better in one.

    Equals do not dominate each other.

    Args:
        scores: (n, tasks), the higher the better.

    Returns:
        (n,) bool.
    """
    beaten = [bool(((scores >= row).all(axis=1) & (scores > row).any(axis=1)).any()) for row in scores]
    return ~np.array(beaten, dtype=bool)


@dataclass(frozen=True)
class Shortfall:
    """The winner compared with the best trial on a task.

    Attributes:
        metric: name of the task's metric.
        best: number of the trial with the best score on the task; the winner if it has that score.
        gap: by how much that score is better than the winner's.
        interval: the gap with its interval over other dev examples; None for the winner itself, and if predictions or
            dev files are missing. It does not account for the selection of the trial by its score.
    """

    task: str
    metric: str
    best: int
    gap: float
    interval: Interval | None = None


def winner_shortfalls(
    study: optuna.Study, table: pd.DataFrame, winner: FinishedTrial, folders: TrialFolders, data: Path | None = None
) -> list[Shortfall]:
    """Compute the shortfall for each task of the winner."""
    finished, trials, found = winnable(table), study.get_trials(deepcopy=False), []
    for task, score in winner.result.scores.items():
        metric = winner.config.tasks[task].spec.metric
        scores = finished[SCORE + task].to_numpy(dtype=np.float64)
        gains = metric.gain(scores, np.full(len(scores), score))
        best, gap = int(finished["trial"].iloc[gains.argmax()]), float(gains.max())
        if gap <= 0.0:
            found.append(Shortfall(task, metric.name, winner.number, 0.0))
            continue
        record = FinishedTrial.read(trials[best])
        interval = _interval(task, (record, winner), folders, data)
        found.append(Shortfall(task, metric.name, best, gap, interval))
    return found


def _interval(
    task: str, pair: tuple[FinishedTrial, FinishedTrial], folders: TrialFolders, data: Path | None
) -> Interval | None:
    """Take percentiles of how much better the first trial's score is, over resamples of the dev examples."""
    config = pair[1].config
    spec = config.tasks[task].spec
    try:
        dev = dev_examples(config, task, data)
        predictions = [stored_predictions(folders, record, spec, dev) for record in pair]
    except UserError:
        return None
    drawn = task_replicates(spec, predictions, np.asarray(dev.labels), dev.folds)
    low, high = np.quantile(spec.metric.gain(drawn[:, 0], drawn[:, 1]), [0.025, 0.975]).tolist()
    return Interval(spec.metric.gain(pair[0].result.scores[task], pair[1].result.scores[task]), low, high)

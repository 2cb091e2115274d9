"""Measure whether a larger share of the loss goes with a better score on a task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.statistics import Interval
from search.analysis.tradeoffs.pairs import FirstRung, scored_tasks, without_repeats
from search.analysis.tradeoffs.rank_correlation import rank_correlation
from search.recorded.trial_columns import SCORE, SETTING
from search.recorded.trial_table import winnable

__all__ = ["TaskShare", "share_column", "task_shares"]


@dataclass(frozen=True)
class TaskShare:
    """A task, and the rank correlation of its loss weight with its score.

    Attributes:
        task: its name.
        trials: how many the correlation is over.
        correlation: None where they are too few.
    """

    task: str
    trials: int
    correlation: Interval | None


def share_column(task: str) -> str:
    """Return the column of a task's loss weight in the table of trials."""
    return f"{SETTING}loss.weights.{task}"


def task_shares(table: pd.DataFrame, early: FirstRung | None) -> list[TaskShare]:
    """Correlate loss weights with scores, for the tasks whose loss weights are searched.

    Over all trials at their first rung where trials were pruned, and else over all finished ones. Larger scores must be
    better in ``table`` (:func:`~search.analysis.tradeoffs.pairs.larger_is_better`).
    """
    known, found = winnable(without_repeats(table)), []
    for task in scored_tasks(table):
        column = share_column(task)
        if column not in table:
            continue
        if early is None:
            pairs = known[[column, SCORE + task]]
        else:
            pairs = pd.DataFrame({"share": table.set_index("trial")[column], "score": early.scores[task]})
        values = pairs.dropna().to_numpy(dtype=np.float64)
        found.append(TaskShare(task, len(values), rank_correlation(values[:, 0], values[:, 1])))
    return found

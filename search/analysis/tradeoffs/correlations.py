"""Correlate trials' scores in one task with those in another, and with the task's share of the loss."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from core.run.evaluation import Evaluation
from core.statistics import Interval
from data.tasks import TaskSpec
from search.recorded.trial_columns import SCORE, SETTING
from search.recorded.trial_table import winnable
from search.trials.record import REPEAT_OF

__all__ = [
    "FEWEST",
    "FirstRung",
    "TaskPair",
    "TaskShare",
    "first_rung",
    "larger_is_better",
    "rank_correlation",
    "scored_tasks",
    "share_column",
    "task_pairs",
    "task_shares",
    "without_repeats",
]

FEWEST = 6
_UPPER = 0.975


def rank_correlation(x: np.ndarray, y: np.ndarray) -> Interval | None:
    """Correlate n pairs; None for fewer than six, or if x or y is constant.

    The interval is Fisher's, tanh(artanh r ± 1.96 sqrt((1 + r² / 2) / (n - 3))), with the variance of Bonett and Wright
    (2000). A correlation of 1 counts in it as half a step less, a step being two neighbours that change places:
    the interval has a width.
    """
    n = len(x)
    if n < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    r = float(stats.spearmanr(x, y).statistic)
    most = 1.0 - 6.0 / (n**3 - n)
    centre = math.atanh(min(max(r, -most), most))
    half = float(stats.norm.ppf(_UPPER)) * math.sqrt((1.0 + r * r / 2.0) / (n - 3))
    return Interval(r, min(r, math.tanh(centre - half)), max(r, math.tanh(centre + half)))


@dataclass(frozen=True)
class FirstRung:
    """Scores of all trials where none was pruned yet.

    Attributes:
        rung: in training examples.
        scores: by number of trial, a column for each task; those of errors are negated, so that larger is better.
    """

    rung: int
    scores: pd.DataFrame


@dataclass(frozen=True)
class TaskPair:
    """Two tasks.

    Attributes:
        a, b: their names.
        trials: finished ones.
        finished: rank correlation of their scores over finished trials, at each one's best rung; None where they are
            too few.
        early: the same over all trials at their first rung; None where no trial was pruned.
        early_trials: how many these are.
    """

    a: str
    b: str
    trials: int
    finished: Interval | None
    early: Interval | None = None
    early_trials: int = 0

    @property
    def evidence(self) -> float:
        """How clear the correlation is: standard errors from 0, roughly."""
        if self.finished is None:
            return 0.0
        return abs(math.atanh(max(-0.999999, min(0.999999, self.finished.value)))) * math.sqrt(max(self.trials - 3, 0))


def scored_tasks(table: pd.DataFrame) -> list[str]:
    """Tasks that trials have scores of, in the study's order."""
    return [name.removeprefix(SCORE) for name in table.columns if name.startswith(SCORE)]


def larger_is_better(scores: pd.DataFrame, specs: Mapping[str, TaskSpec], prefix: str = SCORE) -> pd.DataFrame:
    """Negate the scores of tasks whose metric is an error, so that larger is better in all columns.

    Args:
        scores: has a column ``prefix`` + name for tasks.
        prefix: of the columns' names.
    """
    errors = [prefix + task for task, spec in specs.items() if not spec.metric.larger_is_better]
    known = [name for name in errors if name in scores]
    return scores.assign(**{name: -scores[name] for name in known}) if known else scores


def without_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of trials with a score that are no repeats of another."""
    return table[table["overall"].notna() & table[REPEAT_OF].isna()]


def first_rung(
    table: pd.DataFrame, curves: Mapping[int, Sequence[Evaluation]], specs: Mapping[str, TaskSpec]
) -> FirstRung | None:
    """Find the first rung that most trials have; None where no trial was pruned and finished ones are not selected."""
    if not (table["state"] == "pruned").any():
        return None
    curve_of = {number: curves.get(number, ()) for number in without_repeats(table)["trial"].tolist()}
    firsts = Counter(curve[0].rung for curve in curve_of.values() if curve)
    if not firsts:
        return None
    rung = firsts.most_common(1)[0][0]
    scores = {number: curve[0].scores for number, curve in curve_of.items() if curve and curve[0].rung == rung}
    return FirstRung(rung, larger_is_better(pd.DataFrame.from_dict(scores, orient="index"), specs, prefix=""))


def task_pairs(table: pd.DataFrame, early: FirstRung | None) -> list[TaskPair]:
    """Correlate all pairs of tasks, those with the clearest correlations first.

    Args:
        table: of the trials, larger scores being better (:func:`larger_is_better`).
        early: the first rung, if known.
    """
    tasks, finished = scored_tasks(table), winnable(without_repeats(table))
    found = []
    for a, b in combinations(tasks, 2):
        of_early = (None, 0) if early is None else (_correlation(early.scores, a, b), len(early.scores))
        found.append(TaskPair(a, b, len(finished), _correlation(finished, SCORE + a, SCORE + b), *of_early))
    return sorted(found, key=lambda pair: -pair.evidence)


def _correlation(frame: pd.DataFrame, a: str, b: str) -> Interval | None:
    known = frame[[a, b]].dropna().to_numpy(dtype=np.float64)
    return rank_correlation(known[:, 0], known[:, 1])


@dataclass(frozen=True)
class TaskShare:
    """A task, and the rank correlation of its loss weight with its score.

    Attributes:
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
    better in ``table`` (:func:`~search.analysis.tradeoffs.correlations.larger_is_better`).
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

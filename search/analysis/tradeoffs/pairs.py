"""Scores of a study's trials in one task against those in another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from core.run.evaluation import Evaluation
from core.statistics import Interval
from data.tasks import TaskSpec
from search.analysis.tradeoffs.rank_correlation import rank_correlation
from search.recorded.trial_columns import SCORE
from search.recorded.trial_table import winnable
from search.trials.record import REPEAT_OF

__all__ = ["FirstRung", "TaskPair", "first_rung", "larger_is_better", "scored_tasks", "task_pairs", "without_repeats"]


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
        specs: of the tasks.
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
        of_pair = TaskPair(a, b, len(finished), _correlation(finished, SCORE + a, SCORE + b))
        if early is not None:
            of_early = _correlation(early.scores, a, b)
            of_pair = TaskPair(a, b, len(finished), of_pair.finished, of_early, len(early.scores))
        found.append(of_pair)
    return sorted(found, key=lambda pair: -pair.evidence)


def _correlation(frame: pd.DataFrame, a: str, b: str) -> Interval | None:
    known = frame[[a, b]].dropna().to_numpy(dtype=np.float64)
    return rank_correlation(known[:, 0], known[:, 1])

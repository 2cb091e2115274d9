"""Estimate how much of the variance between trials each setting causes, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.statistics import Interval
from search.analysis.importance.model import ScoreModel
from search.analysis.importance.settings import Setting

__all__ = ["Importance", "importances", "is_measurable"]

_DONORS = 4  # other trials whose value each trial is tried with
_FEWEST_ACTIVE = 5
_LEVEL = 0.975
_SEED = 1


@dataclass(frozen=True)
class Importance:
    """The importance of a setting: its share of the variance of scores.

    An estimate may be below 0, and an interval reach there: it is the difference of two prediction errors.

    Attributes:
        path: path of the setting.
        trials: number of trials in which the setting is active.
        overall: share of the variance among all trials.
        where_active: share of the variance among the trials in which the setting is active; equal to ``overall`` for a
            setting without conditions.
    """

    path: str
    trials: int
    overall: Interval
    where_active: Interval

    @property
    def is_clear(self) -> bool:
        """Whether the interval lies above 0."""
        return self.where_active.low > 0.0


def importances(model: ScoreModel) -> list[Importance]:
    """Estimate the importance of each searched setting that took enough distinct values, the largest share first.

    A trial's score is predicted by the trees that have not seen it, once from its own settings and once with the
    setting's value of another trial in which it is active. How much the squared error grows, halved, and over the
    variance of the scores, estimates the setting's total-effect index (Jansen 1999): the part of the variance that
    would go if the setting did not vary, interactions included. Settings that interact count them both, so that shares
    may sum to more than 1; a forest that has not learnt an effect in full gives a share that is too small.

    A conditional setting is compared only among the trials in which it is active, so that being active is not part of
    its share: that is an effect of the setting that decides it, to which :meth:`SettingTable.changed` assigns it.

    The interval is the estimate ± t(0.975, n - 1) sqrt(2) s / sqrt(n), where s is the standard deviation of the trials'
    contributions. Without sqrt(2), these n numbers would be taken for independent. They are not: for a setting without
    effect, the sum is over pairs of trials that predict each other (a degenerate U-statistic), every pair counts in two
    of the numbers, and the variance is up to twice as large.
    """
    rng = np.random.default_rng(_SEED)
    found = [_importance(model, setting, rng) for setting in model.table.settings if is_measurable(setting)]
    return sorted(found, key=lambda one: -one.overall.value)


def is_measurable(setting: Setting) -> bool:
    """Return whether a setting is searched, and active in at least 5 trials that differ in it."""
    return setting.is_searched and int(setting.active.sum()) >= _FEWEST_ACTIVE and setting.is_varied


def _importance(model: ScoreModel, setting: Setting, rng: np.random.Generator) -> Importance:
    rows, forest, table = np.flatnonzero(setting.active), model.forest, model.table
    order, donors = rng.permutation(rows), min(_DONORS, len(rows) - 1)
    worlds = []
    for shift in rng.choice(np.arange(1, len(rows)), donors, replace=False):
        sources = np.full(table.trials, -1)
        sources[order] = np.roll(order, shift)  # never a trial's own
        worlds.append(table.changed(setting, sources, rng)[rows])
    changed = forest.unseen_changed(np.stack(worlds), rows, table.columns(setting))  # (donors, m)
    scores = model.scores[rows]
    grown = (scores - changed) ** 2 - (scores - forest.predicted[rows]) ** 2
    half = grown.mean(axis=0) / 2.0
    width = float(stats.t.ppf(_LEVEL, len(rows) - 1) * np.sqrt(2.0) * half.std(ddof=1) / np.sqrt(len(rows)))
    active = len(rows) / table.trials
    return Importance(
        setting.path,
        len(rows),
        _share(float(half.mean()) * active, width * active, float(model.scores.var())),
        _share(float(half.mean()), width, float(model.scores[rows].var())),
    )


def _share(mean: float, width: float, variance: float) -> Interval:
    # If the few trials of a conditional setting all score the same, there is no variance to share.
    return Interval(*(number / variance if variance > 0.0 else 0.0 for number in (mean, mean - width, mean + width)))

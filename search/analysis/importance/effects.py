"""Estimate the mean score as a function of each setting's value, with 95 % bands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.spatial import Delaunay, QhullError

from core.statistics import Interval
from search.analysis.importance.importance import is_measurable
from search.analysis.importance.model import ScoreModel
from search.analysis.importance.settings import Setting
from search.analysis.importance.smoother import Smoothed, smooth

__all__ = ["Effect", "effects"]

_POINTS = 25  # of a curve
_EDGE = 10  # steps along an edge of the triangle of shares
_DONORS = 15  # values of a number at which the forest is asked
_SHARE_DONORS = 40
_BACKGROUND = 100  # trials over whose other settings the forest's predictions are averaged
_MOST_SHARES = 66  # points of shares that no point of the triangle is near
_ON_EDGE = 1e-9
_SEED = 2


@dataclass(frozen=True)
class Effect:
    """The mean score over the values of a setting, among the trials in which it is active.

    Attributes:
        setting: path of the setting.
        label: the path too, except for shares of other than three tasks, which have an effect per task:
            ``loss.weights.sst``.
        kind: ``number`` for a curve, ``choice`` for a mean per value, ``shares`` for means at points of a triangle.
        trials: number of trials in which the setting is active.
        values: numbers, choices, or shares in the order of ``tasks``.
        means: mean score at each value.
        lows: lower ends of the means' 95 % intervals; each interval holds for its own value only.
        highs: upper ends of these intervals.
        best: index of the value with the highest mean.
        worst: index of the value with the lowest mean.
        gap_half_widths: half widths of the 95 % intervals of the differences between any two means, (points, points);
            they hold for all pairs together, and so for a pair that was chosen for its difference.
        is_log: whether the numbers are searched on a logarithmic scale.
        tasks: names of the tasks that have the shares; empty for other kinds.
    """

    setting: str
    label: str
    kind: Literal["number", "choice", "shares"]
    trials: int
    values: tuple[Any, ...]
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    best: int
    worst: int
    gap_half_widths: np.ndarray = field(repr=False, compare=False)
    is_log: bool = False
    tasks: tuple[str, ...] = ()

    @property
    def gap(self) -> Interval:
        """Difference between the best and the worst mean.

        They were chosen for being far apart, so it is somewhat too large; its interval allows for the choice.
        """
        gap, width = self.means[self.best] - self.means[self.worst], float(self.gap_half_widths[self.best, self.worst])
        return Interval(gap, gap - width, gap + width)


def effects(model: ScoreModel) -> list[Effect]:
    """Estimate the effect of each searched setting that took enough distinct values.

    The forest's partial dependence alone would be too flat: it pulls small groups of trials towards the mean, and no
    interval of it shows that. So each trial gives one observation, the partial dependence at its own value plus what
    the forest missed of its score, y - f(x), both by the trees that have not seen the trial; and the curve is a smooth
    mean of these (doubly robust, as in Kennedy et al. 2017): what the forest has learnt removes the effect of the
    other settings, and what it has not learnt is still in the residuals. For choices, the observations of each value
    are averaged.
    """
    rng = np.random.default_rng(_SEED)
    found: list[Effect] = []
    for setting in model.table.settings:
        if is_measurable(setting):
            found += _effects(setting, _observations(model, setting, rng))
    return found


def _observations(model: ScoreModel, setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """Return one observation for each trial in which the setting is active, (m,)."""
    rows, forest, table = np.flatnonzero(setting.active), model.forest, model.table
    background = rng.choice(rows, min(_BACKGROUND, len(rows)), replace=False)
    donors = _donors(setting, rows)
    worlds = np.stack(
        [table.changed(setting, np.where(setting.active, donor, -1), rng)[background] for donor in donors.tolist()]
    )
    by_tree = forest.mean_changed(worlds, background, table.columns(setting))  # (trees, donors)
    out = forest.out[:, rows]
    dependence = out.T @ by_tree / out.sum(axis=0)[:, None]  # (m, donors), each row by trees that have not seen it
    level = forest.predicted[rows].mean() - forest.predicted[background].mean()
    missed = model.scores[rows] - forest.predicted[rows]
    return np.asarray(_at_own_value(setting, rows, donors, dependence) + level + missed)


def _donors(setting: Setting, rows: np.ndarray) -> np.ndarray:
    """Choose trials whose values represent all values of the setting."""
    places = setting.columns[rows]
    if setting.kind == "number":
        spread = np.linspace(places.min(), places.max(), _DONORS)
        nearest = np.abs(places - spread).argmin(axis=0)  # (donors,)
    elif setting.kind == "choice":
        nearest = np.unique(places, axis=0, return_index=True)[1]
    else:
        nearest = np.linspace(0, len(rows) - 1, min(len(rows), _SHARE_DONORS)).astype(np.int64)
    return np.asarray(rows[np.unique(nearest)])


def _at_own_value(setting: Setting, rows: np.ndarray, donors: np.ndarray, dependence: np.ndarray) -> np.ndarray:
    """Take from (m, donors) each trial's own value: interpolated between two donors of a number, else the nearest."""
    places, known = setting.columns[rows], setting.columns[donors]
    if setting.kind == "number":
        order = known[:, 0].argsort()
        pairs = zip(places[:, 0].tolist(), dependence[:, order], strict=True)
        return np.array([np.interp(place, known[order, 0], line) for place, line in pairs])
    nearest = np.square(places[:, None] - known[None]).sum(axis=2).argmin(axis=1)
    return np.asarray(dependence[np.arange(len(rows)), nearest])


def _effects(setting: Setting, observed: np.ndarray) -> list[Effect]:
    rows = np.flatnonzero(setting.active)
    values = [setting.values[row] for row in rows.tolist()]
    if setting.kind == "choice":
        return _choice(setting, values, observed)
    if setting.kind == "number":
        low, high = float(min(values)), float(max(values))
        shown = (np.geomspace if setting.is_log else np.linspace)(low, high, _POINTS)
        places = setting.columns[rows].astype(np.float64)
        points = np.linspace(places.min(), places.max(), _POINTS)[:, None]
        return [_effect(setting, setting.path, "number", shown.tolist(), smooth(places, observed, points))]
    shares = np.array(values)
    if len(setting.tasks) == 3:
        points = _triangle(shares)
        smoothed = smooth(shares[:, :2], observed, points[:, :2])
        return [_effect(setting, setting.path, "shares", [tuple(point) for point in points.tolist()], smoothed)]
    found = []
    for index, task in enumerate(setting.tasks):
        grid = np.linspace(shares[:, index].min(), shares[:, index].max(), _POINTS)
        smoothed = smooth(shares[:, [index]], observed, grid[:, None])
        found.append(_effect(setting, f"{setting.path}.{task}", "number", grid.tolist(), smoothed))
    return found


def _triangle(shares: np.ndarray) -> np.ndarray:
    """Return points of the triangle of three shares between those that trials have, (points, 3).

    Beyond them, the smoother would extrapolate the last slope to scores that no trial came near.
    """
    least = float(shares.min())
    steps = [(i, j, _EDGE - i - j) for i in range(_EDGE + 1) for j in range(_EDGE + 1 - i)]
    points = least + (1.0 - 3.0 * least) * np.array(steps) / _EDGE
    reach = np.linalg.norm(points[:, None] - shares[None], axis=2).min(axis=1)
    near = points[(reach <= 2.0 / _EDGE) & _is_between(points[:, :2], shares[:, :2])]
    some = np.linspace(0, len(shares) - 1, min(len(shares), _MOST_SHARES)).astype(np.int64)
    return near if len(near) > 1 else shares[some]


def _is_between(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return which points lie in the convex hull of the places, (points,) bool; all if the hull has no area."""
    try:
        inside: np.ndarray = Delaunay(places).find_simplex(points, tol=_ON_EDGE) >= 0
    except QhullError:
        return np.ones(len(points), dtype=bool)
    return inside


def _choice(setting: Setting, values: list[Any], observed: np.ndarray) -> list[Effect]:
    levels = list(dict.fromkeys(values))
    if all(isinstance(level, int | float) or level is None for level in levels):
        levels.sort(key=lambda level: (level is not None, level))
    members = np.array([[value == level for value in values] for level in levels], dtype=np.float64)
    weights = members / members.sum(axis=1, keepdims=True)
    means, freedom = weights @ observed, len(values) - len(levels)
    if freedom < 1:
        return []
    noise = float(np.sqrt(((observed - means @ members) ** 2).sum() / freedom))
    return [_effect(setting, setting.path, "choice", levels, Smoothed(means, weights, noise, freedom))]


def _effect(
    setting: Setting, label: str, kind: Literal["number", "choice", "shares"], values: list[Any], smoothed: Smoothed
) -> Effect:
    best, worst = int(smoothed.means.argmax()), int(smoothed.means.argmin())
    return Effect(
        setting=setting.path,
        label=label,
        kind=kind,
        trials=int(setting.active.sum()),
        values=tuple(values),
        means=tuple(smoothed.means.tolist()),
        lows=tuple((smoothed.means - smoothed.half_widths).tolist()),
        highs=tuple((smoothed.means + smoothed.half_widths).tolist()),
        best=best,
        worst=worst,
        gap_half_widths=smoothed.gap_half_widths(),
        is_log=setting.is_log,
        tasks=setting.tasks if kind == "shares" else (),
    )

"""Find the settings that make trials slow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from search.recorded.trial_columns import SETTING
from search.recorded.trial_table import is_missing
from search.trials.record import REPEAT_OF

__all__ = ["CostDriver", "cost_drivers"]

_FEWEST = 5  # trials with a value
_LEVEL = 0.05  # of all intervals together
_LEAST = 1.05  # a smaller ratio does not matter


@dataclass(frozen=True)
class CostDriver:
    """How much longer a training example takes with one value than with another.

    Attributes:
        slowest: the value with the longest time; of a number, ``at least 0.7`` for the highest third of the trials or
            ``up to 0.2`` for the lowest.
        fastest: the value with the shortest time, likewise.
        ratio: ratio of the geometric mean times.
        low, high: ends of its interval. All intervals together are right in 95 of 100 studies, including the choice of
            the two values of each setting.
    """

    path: str
    slowest: str
    fastest: str
    ratio: float
    low: float
    high: float


def cost_drivers(table: pd.DataFrame, linked: Collection[str] = ()) -> list[CostDriver]:
    """Return the settings whose values clearly differ in seconds per training example, the largest ratio first.

    Uses Welch's interval for the difference of mean logarithms, with Bonferroni's correction for all pairs of values of
    all settings. Other settings are not controlled for: with a sampler that prefers some combinations, a setting may
    stand for another one. Settings that only follow others (``linked``) are left out.
    """
    trained = table[table[REPEAT_OF].isna() & (table["examples"] > 0) & (table["seconds"] > 0)]
    times = np.log((trained["seconds"] / trained["examples"]).to_numpy(dtype=float))
    groups = {
        name.removeprefix(SETTING): grouped
        for name in trained.columns
        if name.startswith(SETTING) and name.removeprefix(SETTING) not in linked
        if len(grouped := _groups(trained[name].tolist(), times)) > 1
    }
    looks = sum(len(grouped) * (len(grouped) - 1) // 2 for grouped in groups.values())
    found = [_ratio(path, grouped, looks) for path, grouped in groups.items()]
    return sorted((one for one in found if one.low > 1.0 and one.ratio >= _LEAST), key=lambda one: -one.ratio)


def _groups(values: list[Any], times: np.ndarray) -> dict[str, np.ndarray]:
    """Group times by the values of a choice, or by the lowest and highest third of a number; drop small groups."""
    known = [(value, time) for value, time in zip(values, times.tolist(), strict=True) if not is_missing(value)]
    distinct = {value for value, _ in known}
    if len(distinct) > 6 and all(isinstance(value, int | float) for value in distinct):
        low, high = np.quantile([value for value, _ in known], [1 / 3, 2 / 3])
        members = {
            f"up to {low:.2g}": [time for value, time in known if value <= low],
            f"at least {high:.2g}": [time for value, time in known if value >= high],
        }
    else:
        members = {_word(one): [time for value, time in known if value == one] for one in sorted(distinct, key=str)}
    return {name: np.array(group) for name, group in members.items() if len(group) >= _FEWEST}


def _word(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _ratio(path: str, groups: dict[str, np.ndarray], looks: int) -> CostDriver:
    means = {name: float(group.mean()) for name, group in groups.items()}
    slowest, fastest = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    parts = [groups[name].var(ddof=1) / len(groups[name]) for name in (slowest, fastest)]
    error = float(np.sqrt(sum(parts)))
    freedom = [part**2 / (len(groups[name]) - 1) for part, name in zip(parts, (slowest, fastest), strict=True)]
    df = (
        sum(parts) ** 2 / sum(freedom) if sum(freedom) > 0.0 else float(len(groups[slowest]) + len(groups[fastest]) - 2)
    )
    width = float(stats.t.ppf(1.0 - _LEVEL / looks / 2.0, df)) * error
    gap = means[slowest] - means[fastest]
    ends = [float(np.exp(value)) for value in (gap, gap - width, gap + width)]
    return CostDriver(path, slowest, fastest, *ends)

"""Turn the settings of a study's trials into numbers, and change one setting in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from core.config import RunConfig
from search.space.distribution import NumberKind
from search.space.paths import get_value
from search.space.space import Dimension, Space

__all__ = ["Setting", "SettingTable", "setting_table"]


@dataclass(frozen=True)
class _Rule:
    """A condition of a setting: the setting that it looks at, and the trials in which it holds."""

    owner: str
    holds: np.ndarray  # (n,) bool
    holds_inactive: bool

    def given(self, sources: np.ndarray) -> np.ndarray:
        """Return whether it holds if the owner has the values of these trials, (n,); -1 if the owner is not active."""
        return np.asarray(np.where(sources >= 0, self.holds[sources], self.holds_inactive))


@dataclass(frozen=True)
class Setting:
    """One searched setting in n trials.

    Attributes:
        path: dotted path; shares of tasks are one setting.
        kind: ``number``; ``choice`` among few values; ``shares`` of tasks; ``fixed`` if it is not searched and follows
            other settings.
        active: whether it is searched in each trial, (n,) bool.
        values: value in each trial; None where it is not active. Shares are a tuple, in the order of ``tasks``.
        columns: the values as numbers, (n, k) float32. A number has one column, from 0 to 1 over its range, on the
            scale that it is searched on; choices without an order have one column each.
        is_log: whether that scale is logarithmic.
        tasks: names of the tasks that have the shares; empty for other kinds.
        rules: conditions under which it is searched.
    """

    path: str
    kind: NumberKind
    active: np.ndarray
    values: tuple[Any, ...]
    columns: np.ndarray
    is_log: bool = False
    tasks: tuple[str, ...] = ()
    rules: tuple[_Rule, ...] = field(default=(), repr=False)

    @property
    def is_searched(self) -> bool:
        """Whether it can have several values."""
        return self.kind != "fixed"

    @property
    def is_varied(self) -> bool:
        """Whether trials in which it is active differ in it."""
        return len({value for value, on in zip(self.values, self.active, strict=True) if on}) > 1

    def taken(self, sources: np.ndarray) -> np.ndarray:
        """Return the columns with the values of other trials, (n, k); -1 gives a value below all others: inactive."""
        inactive = np.minimum(self.columns.min(axis=0, initial=0.0), 0.0) - 1.0
        return np.asarray(np.where(sources[:, None] >= 0, self.columns[sources], inactive))


@dataclass(frozen=True)
class SettingTable:
    """All settings except the seed, in an order in which conditions look back only.

    Attributes:
        settings: the settings.
        trials: number of trials, n.
    """

    settings: tuple[Setting, ...]
    trials: int

    @cached_property
    def matrix(self) -> np.ndarray:
        """All trials unchanged, (n, columns of all settings) float32."""
        rows = np.arange(self.trials)
        blocks = [one.taken(np.where(one.active, rows, -1)) for one in self.settings]
        return np.ascontiguousarray(np.concatenate(blocks, axis=1), dtype=np.float32)

    def columns(self, setting: Setting) -> set[int]:
        """Return the columns that a change of the setting can move: its own, and those of settings below it."""
        moved = {setting.path}
        for one in self.settings:
            if any(rule.owner in moved for rule in one.rules):
                moved.add(one.path)
        return {column for path in moved for column in range(*self._places[path].indices(self.matrix.shape[1]))}

    def changed(self, setting: Setting, sources: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return every trial with the setting's value of another one, (n, columns) float32.

        Settings that are conditional on it follow, so that each row could be a trial: one that is no longer active
        loses its value, one that becomes active takes that of a random trial that has it, and the others keep theirs.

        Args:
            setting: the setting to change.
            sources: for each trial, the trial that gives the value, (n,); -1 leaves the setting inactive.
            rng: generator that draws the values of settings that become active.
        """
        rows, moved = np.arange(self.trials), {setting.path: sources}
        for one in self.settings:
            if not any(rule.owner in moved for rule in one.rules):
                continue
            active, there = np.ones(self.trials, dtype=bool), np.flatnonzero(one.active)
            for rule in one.rules:
                active &= rule.given(moved.get(rule.owner, rows))
            borrowed = rng.choice(there, self.trials) if len(there) else np.full(self.trials, -1)
            moved[one.path] = np.where(active, np.where(one.active, rows, borrowed), -1)
        matrix = self.matrix.copy()
        for one in self.settings:
            if one.path in moved:
                matrix[:, self._places[one.path]] = one.taken(moved[one.path])
        return matrix

    @cached_property
    def _places(self) -> dict[str, slice]:
        ends = np.cumsum([one.columns.shape[1] for one in self.settings]).tolist()
        return {one.path: slice(end - one.columns.shape[1], end) for one, end in zip(self.settings, ends, strict=True)}


def setting_table(space: Space, configs: Sequence[RunConfig]) -> SettingTable:
    """Return the settings of these runs except the seed, which is chance and not a setting to choose."""
    dimensions = [dimension for dimension in space.dimensions if dimension.path != "seed"]
    settings: dict[str, Setting] = {}
    for dimension in dimensions:
        settings[dimension.path] = _setting(dimension, configs, settings)
    return SettingTable(tuple(settings.values()), len(configs))


def _setting(dimension: Dimension, configs: Sequence[RunConfig], before: Mapping[str, Setting]) -> Setting:
    rules = []
    for condition in dimension.when:
        owner = next((path for path in before if condition.path == path or condition.path.startswith(f"{path}.")), "")
        holds = np.array([condition.holds(get_value(config, condition.path)) for config in configs])
        # Where the owner is not active it has the base's value, which any such trial shows.
        unset = holds[~before[owner].active] if owner else holds[:0]
        rules.append(_Rule(owner, holds, bool(unset.any())))
    active = np.array([dimension.is_active(config) for config in configs], dtype=bool)
    distribution = dimension.distribution
    values = tuple(
        distribution.read(config, dimension.path) if on else None for config, on in zip(configs, active, strict=True)
    )
    numbers = distribution.numbers(values)
    if numbers.unset is not None:
        active = active & ~numbers.unset
    return Setting(
        dimension.path, numbers.kind, active, values, numbers.columns, numbers.is_log, numbers.tasks, tuple(rules)
    )

"""Ranges of numbers to search: evenly, in steps or in the logarithm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from core.config import RunConfig
from search.display.values import shown, shown_list, spelled
from search.parsing.errors import StudyFileError
from search.space.conditions import Condition
from search.space.distribution import Distribution, Numbers, Probe, Suggester
from search.space.entry import SpaceEntry
from search.space.narrow_range import narrow_range
from search.space.paths import FieldType, check_value

__all__ = ["FloatRange", "IntRange", "Range"]

_STEP_TOLERANCE = 1e-8  # in steps; what Optuna allows too
_MOST_LISTED = 1000
_MOST_LEVELS = 8  # of a range in steps; with more its effect is shown as a line


@dataclass(frozen=True)
class Range(Distribution):
    """Numbers from ``low`` to ``high``, both included; in steps from ``low``, or evenly in the logarithm."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    noun: ClassVar[str] = "a range"
    keys: ClassVar[tuple[str, ...]] = ("low", "high", "log", "step")
    defaults: ClassVar[Mapping[str, object]] = {"log": False}

    @classmethod
    def parse(cls, entry: SpaceEntry) -> Range:
        """Read ``{ low = ..., high = ... }``, with ``log`` or ``step``; the setting's type tells which range it is."""
        field, key, table = entry.field(), entry.key, entry.table
        entry.check_keys(cls.keys)
        if field.kind not in (float, int):
            options = f", for example {shown_list(field.literals)}" if field.literals else ""
            raise StudyFileError(key, f"this setting is not a number; give choices = [...]{options}")
        for name in ("low", "high"):
            if name not in table:
                raise StudyFileError(key, f"needs {name}; give low and high, or choices")
        plain = FieldType(field.kind)
        low, high = (check_value(table[name], plain, (*key, name)) for name in ("low", "high"))
        log = check_value(table.get("log", False), FieldType(bool), (*key, "log"))
        step = table.get("step")
        if step is not None:
            step = check_value(step, plain, (*key, "step"))
        _check_ends(low, high, log, step, key)
        return FloatRange(low, high, log, step) if field.kind is float else IntRange(low, high, log, step or 1)

    @property
    def given_step(self) -> float | None:
        """The step, where it says more than the type does."""
        return self.step

    def to_json(self) -> dict[str, Any]:
        """Return the table of a study file."""
        step = {} if self.given_step is None else {"step": self.given_step}
        return {"low": self.low, "high": self.high} | ({"log": True} if self.log else {}) | step

    def describe(self) -> str:
        """Return ``1e-05 .. 0.001 log`` or ``1 .. 8 step 2``."""
        step = f" step {shown(self.given_step)}" if self.given_step else ""
        return f"{shown(self.low)} .. {shown(self.high)}" + (" log" if self.log else "") + step

    def probes(self, path: str) -> tuple[Probe, ...]:
        """Return both ends."""
        return ((("space", path, "low"), self.low), (("space", path, "high"), self.high))

    def remedy(self, path: str, value: object) -> str:
        """Return what helps a setting that the base leaves unset: it may well mean one of the values."""
        if value is not None:
            return ""
        return f'; set base.{path} = {spelled(self.low)}, or give choices with "none" among them'

    def narrowed(self, config: RunConfig, path: str, rules: Sequence[Condition]) -> Distribution | None:
        """Return a quarter of the width on the range's own scale, cut off where a condition changes.

        Of steps and whole numbers, at least the next one on either side stays.
        """
        low, high = narrow_range(self.low, self.high, self.log, self.step, self.read(config, path), rules)
        return replace(self, low=low, high=high) if low < high else None

    def numbers(self, values: Sequence[Any]) -> Numbers:
        """Return the place of each value between the ends, 0 to 1; a base without a value leaves some unset."""
        scale = np.log if self.log else np.asarray
        low, high = (scale(float(end)) for end in (self.low, self.high))
        numbers = np.array([self.low if value is None else float(value) for value in values])
        columns = ((scale(numbers) - low) / (high - low))[:, None].astype(np.float32)
        levels = 0 if self.log else len(set(self.listed() or ()))
        unset = np.array([value is None for value in values], dtype=bool)
        return Numbers("choice" if 0 < levels <= _MOST_LEVELS else "number", columns, self.log, unset=unset)


@dataclass(frozen=True)
class FloatRange(Range):
    """A range of numbers."""

    kind: ClassVar[str] = "float"

    def suggest(self, trial: Suggester, path: str) -> float:
        """Ask the trial for a number."""
        return trial.suggest_float(path, self.low, self.high, step=self.step, log=self.log)

    def contains(self, value: object) -> bool:
        """Return whether it is a float between the ends, and one of the steps."""
        if not isinstance(value, float) or not self.low <= value <= self.high:
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return abs(steps - round(steps)) < _STEP_TOLERANCE

    def listed(self) -> list[float] | None:
        """Return every step in rising order; None for a continuous range."""
        if self.step is None:
            return None
        count = round((self.high - self.low) / self.step) + 1
        return [min(self.low + k * self.step, self.high) for k in range(count)]  # 3 * 0.1 is more than 0.3


@dataclass(frozen=True)
class IntRange(Range):
    """A range of whole numbers."""

    low: int
    high: int
    log: bool = False
    step: int = 1
    kind: ClassVar[str] = "int"

    @property
    def given_step(self) -> int | None:
        """The step, unless it is 1."""
        return None if self.step == 1 else self.step

    def suggest(self, trial: Suggester, path: str) -> int:
        """Ask the trial for a whole number."""
        return trial.suggest_int(path, self.low, self.high, step=self.step, log=self.log)

    def contains(self, value: object) -> bool:
        """Return whether it is a whole number between the ends, and one of the steps."""
        return type(value) is int and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def listed(self) -> list[int] | None:
        """Return every value in rising order; None if they are too many to list."""
        values = range(self.low, self.high + 1, self.step)
        return list(values) if len(values) <= _MOST_LISTED else None


def _check_ends(low: float, high: float, log: bool, step: float | None, key: tuple[str, ...]) -> None:
    for name, bound in (("low", low), ("high", high), ("step", step)):
        if bound is not None and not math.isfinite(bound):
            raise StudyFileError((*key, name), f"must be a finite number, got {bound}")
    if low >= high:
        raise StudyFileError((*key, "low"), f"must be below high = {shown(high)}, got {shown(low)}")
    if log and low <= 0:
        raise StudyFileError((*key, "low"), f"must be above 0 with log = true, got {shown(low)}")
    if step is None:
        return
    where = (*key, "step")
    if step <= 0:
        raise StudyFileError(where, f"must be above 0, got {shown(step)}")
    if log and step != 1:
        raise StudyFileError(where, f"cannot be combined with log = true, got {shown(step)}")
    steps = (high - low) / step
    if round(steps) < 1 or abs(steps - round(steps)) >= _STEP_TOLERANCE:
        last = low + math.floor(steps) * step
        raise StudyFileError(
            where,
            f"{shown(step)} does not divide the range from low = {shown(low)} to high = {shown(high)}; "
            f"the nearest values are {shown(last)} and {shown(last + step)}",
        )

"""The values one setting may take in a search: a range of numbers, choices, or one value under a condition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from search.display.values import shown, shown_list
from search.parsing.errors import StudyFileError, did_you_mean
from search.space.paths import FieldType, check_value

__all__ = ["Choices", "Distribution", "FloatRange", "IntRange", "OneValue", "Suggester", "parse_distribution"]

_STEP_TOLERANCE = 1e-8  # in steps; what Optuna allows too
_MOST_LISTED = 1000


class Suggester(Protocol):
    """The part of an Optuna trial that a space needs."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """A number from low to high, both included."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """A whole number from low to high, both included."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""
        ...


@dataclass(frozen=True)
class FloatRange:
    """Numbers from ``low`` to ``high``, both included; in steps from ``low``, or evenly in the logarithm."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    kind = "float"

    def suggest(self, trial: Suggester, name: str) -> float:
        """Ask the trial."""
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def contains(self, value: object) -> bool:
        """Whether the trial could answer this."""
        if not isinstance(value, float) or not self.low <= value <= self.high:
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return abs(steps - round(steps)) < _STEP_TOLERANCE

    def listed(self) -> list[float] | None:
        """Every value in rising order; None for a continuous range."""
        if self.step is None:
            return None
        count = round((self.high - self.low) / self.step) + 1
        return [min(self.low + k * self.step, self.high) for k in range(count)]  # 3 * 0.1 is more than 0.3

    def extremes(self) -> tuple[tuple[str, float], ...]:
        """The values at which RunConfig's bounds are tried, each with the key it was given under."""
        return (("low", self.low), ("high", self.high))

    def describe(self) -> str:
        """For a table: ``1e-05 .. 0.001 log``."""
        return _describe_range(self.low, self.high, self.log, self.step)

    def to_json(self) -> dict[str, Any]:
        """What a study file would hold."""
        return _range_json(self.low, self.high, self.log, self.step)


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from ``low`` to ``high``, both included; in steps from ``low``, or evenly in the logarithm."""

    low: int
    high: int
    log: bool = False
    step: int = 1
    kind = "int"

    def suggest(self, trial: Suggester, name: str) -> int:
        """Ask the trial."""
        return trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log)

    def contains(self, value: object) -> bool:
        """Whether the trial could answer this."""
        return type(value) is int and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def listed(self) -> list[int] | None:
        """Every value in rising order; None where they are too many to list."""
        values = range(self.low, self.high + 1, self.step)
        return list(values) if len(values) <= _MOST_LISTED else None

    def extremes(self) -> tuple[tuple[str, int], ...]:
        """The values at which RunConfig's bounds are tried, each with the key it was given under."""
        return (("low", self.low), ("high", self.high))

    def describe(self) -> str:
        """For a table: ``1 .. 8 step 2``."""
        return _describe_range(self.low, self.high, self.log, None if self.step == 1 else self.step)

    def to_json(self) -> dict[str, Any]:
        """What a study file would hold."""
        return _range_json(self.low, self.high, self.log, None if self.step == 1 else self.step)


@dataclass(frozen=True)
class Choices:
    """One of at least two values, in no order."""

    values: tuple[float | int | bool | str | None, ...]
    kind = "choice"

    def suggest(self, trial: Suggester, name: str) -> Any:
        """Ask the trial."""
        return trial.suggest_categorical(name, self.values)

    def contains(self, value: object) -> bool:
        """Whether the trial could answer this."""
        return value in self.values

    def listed(self) -> list[Any] | None:
        """Every value."""
        return list(self.values)

    def extremes(self) -> tuple[tuple[str, Any], ...]:
        """The values at which RunConfig's bounds are tried, each with the key it was given under."""
        return tuple(("choices", value) for value in self.values)

    def describe(self) -> str:
        """For a table: ``cls, mean, max``."""
        return shown_list(self.values)

    def to_json(self) -> dict[str, Any]:
        """What a study file would hold."""
        return {"choices": ["none" if value is None else value for value in self.values]}


@dataclass(frozen=True)
class OneValue:
    """One value, which a setting takes wherever its conditions hold; no trial is asked for it."""

    value: float | int | bool | str | None
    kind = "value"

    def suggest(self, trial: Suggester, name: str) -> Any:  # noqa: ARG002
        """The value, without asking the trial."""
        return self.value

    def contains(self, value: object) -> bool:
        """Whether this is the value."""
        return type(value) is type(self.value) and value == self.value

    def listed(self) -> list[Any] | None:
        """The value."""
        return [self.value]

    def extremes(self) -> tuple[tuple[str, Any], ...]:
        """The value at which RunConfig's bounds are tried, with the key it was given under."""
        return (("value", self.value),)

    def describe(self) -> str:
        """For a table: ``cos``."""
        return shown(self.value)

    def to_json(self) -> dict[str, Any]:
        """What a study file would hold."""
        return {"value": "none" if self.value is None else self.value}


Distribution = FloatRange | IntRange | Choices | OneValue


def parse_distribution(table: Mapping[str, Any], field: FieldType, key: tuple[str, ...]) -> Distribution:
    """The distribution of the field that ``table`` gives: ``choices``, ``value``, or ``low`` and ``high`` with ``log``
    or ``step``.

    Raises:
        StudyFileError: under ``key`` and what follows it, if the table is wrong in itself or for the field's type.
    """
    alone = next((name for name in ("choices", "value") if name in table), None)
    known = (alone,) if alone else ("low", "high", "log", "step")
    for name in table:
        if name not in known:
            others = ("choices", "value", "low", "high", "log", "step", "simplex", "min", "when")
            stand = "value stands" if alone == "value" else f"{' and '.join(known)} stand"
            hint = f"; {stand} alone" if name in others else did_you_mean(name, others)
            raise StudyFileError((*key, name), f"unknown key{hint}")
    if "choices" in table:
        return _parse_choices(table["choices"], field, (*key, "choices"))
    if "value" in table:
        _check_kind(field, key)
        return OneValue(check_value(table["value"], field, (*key, "value")))
    if field.kind not in (float, int):
        options = f", for example {shown_list(field.literals)}" if field.literals else ""
        raise StudyFileError(key, f"it has no range; give choices = [...]{options}")
    for name in ("low", "high"):
        if name not in table:
            raise StudyFileError(key, f"needs {name}; give low and high, or choices")
    return _parse_range(table, field, key)


def _parse_choices(raw: object, field: FieldType, key: tuple[str, ...]) -> Choices:
    _check_kind(field, key)
    if not isinstance(raw, list):
        raise StudyFileError(key, f"must be a list, got {raw!r}")
    values = tuple(check_value(value, field, key) for value in raw)
    if len(set(values)) < 2 or len(set(values)) < len(values):
        raise StudyFileError(key, f"must hold at least two different values, each once, got {raw!r}")
    return Choices(values)


def _check_kind(field: FieldType, key: tuple[str, ...]) -> None:
    if field.kind is None:
        raise StudyFileError(key, "this setting cannot be searched; set it under [base]")


def _parse_range(table: Mapping[str, Any], field: FieldType, key: tuple[str, ...]) -> FloatRange | IntRange:
    plain = FieldType(field.kind)
    low, high = (check_value(table[name], plain, (*key, name)) for name in ("low", "high"))
    log = check_value(table.get("log", False), FieldType(bool), (*key, "log"))
    step = table.get("step")
    if step is not None:
        step = check_value(step, plain, (*key, "step"))
    for name, bound in (("low", low), ("high", high), ("step", step)):
        if bound is not None and not math.isfinite(bound):
            raise StudyFileError((*key, name), f"must be a finite number, got {bound}")
    if low >= high:
        raise StudyFileError((*key, "low"), f"must be below high = {shown(high)}, got {shown(low)}")
    if log and low <= 0:
        raise StudyFileError((*key, "low"), f"must be above 0 with log = true, got {shown(low)}")
    if step is not None:
        _check_step(low, high, log, step, (*key, "step"))
    return FloatRange(low, high, log, step) if field.kind is float else IntRange(low, high, log, step or 1)


def _check_step(low: float, high: float, log: bool, step: float, key: tuple[str, ...]) -> None:
    if step <= 0:
        raise StudyFileError(key, f"must be above 0, got {shown(step)}")
    if log and step != 1:
        raise StudyFileError(key, f"goes with an even range only, not with log = true, got {shown(step)}")
    steps = (high - low) / step
    if round(steps) < 1 or abs(steps - round(steps)) >= _STEP_TOLERANCE:
        last = low + math.floor(steps) * step
        raise StudyFileError(
            key,
            f"{shown(step)} does not lead from low = {shown(low)} to high = {shown(high)}; "
            f"the nearest values are {shown(last)} and {shown(last + step)}",
        )


def _describe_range(low: float, high: float, log: bool, step: float | None) -> str:
    return f"{shown(low)} .. {shown(high)}" + (" log" if log else "") + (f" step {shown(step)}" if step else "")


def _range_json(low: float, high: float, log: bool, step: float | None) -> dict[str, Any]:
    return {"low": low, "high": high} | ({"log": True} if log else {}) | ({} if step is None else {"step": step})

"""Conditions under which a setting is searched: which values other settings must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.display.values import shown, shown_list
from search.parsing.errors import StudyFileError, name_hint
from search.space.paths import FieldType, check_value, require_field

__all__ = ["Condition", "parse_conditions"]


@dataclass(frozen=True)
class Condition:
    """The setting at ``path`` has one of the values, or lies strictly between ``above`` and ``below``.

    Attributes:
        values: the allowed values; empty if ``above`` or ``below`` is given instead.
    """

    path: str
    values: tuple[Any, ...] = ()
    above: float | None = None
    below: float | None = None

    def holds(self, value: object) -> bool:
        """Return whether a setting of this value meets the condition."""
        if self.values:
            return value in self.values
        if not isinstance(value, int | float):
            return False
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)

    def candidates(self) -> list[Any]:
        """Return values that may meet the condition: those it lists, or the middle between its bounds."""
        if self.above is None or self.below is None:
            return list(self.values)
        middle = (self.above + self.below) / 2
        return [middle, int(middle)]

    def describe(self) -> str:
        """Return ``heads.sst.layers above 1``, for a table."""
        if self.values:
            return f"{self.path} = {' or '.join(shown(value) for value in self.values)}"
        return f"{self.path} {' and '.join(f'{name} {shown(bound)}' for name, bound in self._bounds.items())}"

    def to_json(self) -> Any:
        """Return what a study file writes after the path."""
        return ["none" if value is None else value for value in self.values] or self._bounds

    @property
    def _bounds(self) -> dict[str, float]:
        return {name: bound for name, bound in (("above", self.above), ("below", self.below)) if bound is not None}


def parse_conditions(raw: object, fields: Mapping[str, FieldType], key: tuple[str, ...]) -> tuple[Condition, ...]:
    """Read the conditions of a ``when`` table; all of them must hold.

    Raises:
        StudyFileError: under ``key`` and what follows it.
    """
    if not isinstance(raw, dict) or not raw:
        raise StudyFileError(key, f"must be a table of settings and the values they must have, got {raw!r}")
    return tuple(_parse_condition(path, rule, fields, (*key, path)) for path, rule in raw.items())


def _parse_condition(path: str, rule: object, fields: Mapping[str, FieldType], key: tuple[str, ...]) -> Condition:
    field = require_field(path, fields, key)
    if not isinstance(rule, dict):
        values = rule if isinstance(rule, list) else [rule]
        if not values:
            raise StudyFileError(key, "must contain at least one value, got an empty list")
        return Condition(path, values=tuple(check_value(value, field, key) for value in values))
    for name in rule:
        if name not in ("above", "below"):
            hint = name_hint(name, ("above", "below")) or "; known: above, below"
            raise StudyFileError((*key, name), f"unknown key{hint}")
    if not rule:
        raise StudyFileError(key, "is empty")
    if field.kind not in (float, int):
        kind = f"one of {shown_list(field.literals)}" if field.literals else "not a number"
        raise StudyFileError(key, f"above and below need a numeric setting, but this one is {kind}")
    bounds = {name: check_value(bound, FieldType(float), (*key, name)) for name, bound in rule.items()}
    if "above" in bounds and "below" in bounds and bounds["above"] >= bounds["below"]:
        raise StudyFileError(
            key, f"above = {shown(bounds['above'])} must be less than below = {shown(bounds['below'])}"
        )
    return Condition(path, above=bounds.get("above"), below=bounds.get("below"))

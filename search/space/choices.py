"""Listed values: several to choose from in no order, or one that a setting takes along with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from search.display.values import spelled
from search.parsing.errors import StudyFileError
from search.space.distribution import Distribution, Numbers, Suggester
from search.space.entry import SpaceEntry
from search.space.paths import check_value

__all__ = ["Choices", "OneValue"]


@dataclass(frozen=True)
class Choices(Distribution):
    """One of at least two values, in no order."""

    values: tuple[float | int | bool | str | None, ...]
    kind: ClassVar[str] = "choice"
    noun: ClassVar[str] = "choices"
    keys: ClassVar[tuple[str, ...]] = ("choices",)
    is_linkable: ClassVar[bool] = True

    @classmethod
    def parse(cls, entry: SpaceEntry) -> Choices:
        """Read ``{ choices = [...] }``."""
        entry.field()
        entry.check_keys(cls.keys)
        key = (*entry.key, "choices")
        field, raw = entry.scalar_field(key), entry.table["choices"]
        if not isinstance(raw, list):
            raise StudyFileError(key, f"must be a list, got {raw!r}")
        if entry.is_conditional and len(raw) == 1:
            what = f"must contain at least two different values; for one, write value = {spelled(raw[0])}"
            raise StudyFileError(key, what)
        values = tuple(check_value(value, field, key) for value in raw)
        if len(set(values)) < 2 or len(set(values)) < len(values):
            raise StudyFileError(key, f"must contain at least two different values, each once, got {raw!r}")
        return cls(values)

    def to_json(self) -> dict[str, Any]:
        """Return the table of a study file."""
        return {"choices": ["none" if value is None else value for value in self.values]}

    def listed(self) -> list[Any]:
        """Return every value."""
        return list(self.values)

    def remedy(self, path: str, value: object) -> str:
        """Return a hint for a setting that the base leaves unset, since unset may be equivalent to one value."""
        if value is not None:
            return ""
        return f'; add "none" to the choices, or set base.{path} = {spelled(self.values[0])}'


@dataclass(frozen=True)
class OneValue(Distribution):
    """One value, which a setting takes wherever its conditions hold; no trial is asked for it."""

    value: float | int | bool | str | None
    kind: ClassVar[str] = "value"
    noun: ClassVar[str] = "one value"
    keys: ClassVar[tuple[str, ...]] = ("value",)
    is_searched: ClassVar[bool] = False

    @classmethod
    def parse(cls, entry: SpaceEntry) -> OneValue:
        """Read ``{ value = ... }``."""
        key = (*entry.key, "value")
        if not entry.is_conditional:
            raise StudyFileError(key, "a single value needs a condition (when) here; without one, set it under [base]")
        entry.field()
        entry.check_keys(cls.keys)
        field = entry.scalar_field(entry.key)
        return cls(check_value(entry.table["value"], field, key))

    def to_json(self) -> dict[str, Any]:
        """Return the table of a study file."""
        return {"value": "none" if self.value is None else self.value}

    def suggest(self, trial: Suggester, path: str) -> Any:  # noqa: ARG002
        """Return the value without asking the trial."""
        return self.value

    def contains(self, value: object) -> bool:
        """Return whether this is the value."""
        return type(value) is type(self.value) and value == self.value

    def listed(self) -> list[Any]:
        """Return the value."""
        return [self.value]

    def remedy(self, path: str, value: object) -> str:  # noqa: ARG002
        """Return what makes the base fit."""
        return f"; set base.{path} = {spelled(self.value)}"

    def numbers(self, values: Sequence[Any]) -> Numbers:
        """Return no column: the value is determined by the settings it follows."""
        return Numbers("fixed", np.zeros((len(values), 0), np.float32))

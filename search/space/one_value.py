"""One value that a setting takes along with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from search.display.values import shown, spelled
from search.parsing.errors import StudyFileError
from search.space.distribution import Distribution, Suggester
from search.space.entry import Entry
from search.space.numbers import Numbers
from search.space.paths import check_value

__all__ = ["OneValue"]


@dataclass(frozen=True)
class OneValue(Distribution):
    """One value, which a setting takes wherever its conditions hold; no trial is asked for it."""

    value: float | int | bool | str | None
    kind: ClassVar[str] = "value"
    noun: ClassVar[str] = "one value"
    keys: ClassVar[tuple[str, ...]] = ("value",)
    is_searched: ClassVar[bool] = False

    @classmethod
    def parse(cls, entry: Entry) -> OneValue:
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

    def describe(self) -> str:
        """Return the value, ``cos``."""
        return shown(self.value)

    def suggest(self, trial: Suggester, path: str) -> Any:  # noqa: ARG002
        """Return the value without asking the trial."""
        return self.value

    def contains(self, value: object) -> bool:
        """Return whether this is the value."""
        return type(value) is type(self.value) and value == self.value

    def listed(self) -> list[Any]:
        """Return the value."""
        return [self.value]

    def probes(self, path: str) -> tuple[tuple[tuple[str, ...], Any], ...]:
        """Return the value."""
        return ((("space", path, "value"), self.value),)

    def remedy(self, path: str, value: object) -> str:  # noqa: ARG002
        """Return what makes the base fit."""
        return f"; set base.{path} = {spelled(self.value)}"

    def numbers(self, values: Sequence[Any]) -> Numbers:
        """Return no column: a model that knows the settings it follows knows it."""
        return Numbers("fixed", np.zeros((len(values), 0), np.float32))

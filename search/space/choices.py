"""Choices to search: one of several values in no order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from search.display.values import shown_list, spelled
from search.parsing.errors import StudyFileError
from search.space.distribution import Distribution, Suggester
from search.space.entry import Entry
from search.space.paths import check_value

__all__ = ["Choices"]


@dataclass(frozen=True)
class Choices(Distribution):
    """One of at least two values, in no order."""

    values: tuple[float | int | bool | str | None, ...]
    kind: ClassVar[str] = "choice"
    noun: ClassVar[str] = "choices"
    keys: ClassVar[tuple[str, ...]] = ("choices",)
    is_linkable: ClassVar[bool] = True

    @classmethod
    def parse(cls, entry: Entry) -> Choices:
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

    def describe(self) -> str:
        """Return ``cls, mean, max``."""
        return shown_list(self.values)

    def suggest(self, trial: Suggester, path: str) -> Any:
        """Ask the trial for one of the values."""
        return trial.suggest_categorical(path, self.values)

    def contains(self, value: object) -> bool:
        """Return whether it is one of the values."""
        return value in self.values

    def listed(self) -> list[Any]:
        """Return every value."""
        return list(self.values)

    def probes(self, path: str) -> tuple[tuple[tuple[str, ...], Any], ...]:
        """Return every value."""
        return tuple((("space", path, "choices"), value) for value in self.values)

    def remedy(self, path: str, value: object) -> str:
        """Return what helps a setting that the base leaves unset: it may well mean one of the values."""
        if value is not None:
            return ""
        return f'; add "none" to the choices, or set base.{path} = {spelled(self.values[0])}'

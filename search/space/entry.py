"""One entry of ``[space]`` in a study file, from which a distribution is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.config import RunConfig
from search.parsing.errors import StudyFileError, name_hint
from search.space.paths import FieldType, config_fields, require_field, why_fixed

__all__ = ["SpaceEntry"]


@dataclass(frozen=True)
class SpaceEntry:
    """A searched setting and its table.

    Attributes:
        table: what the study file says of its values, without conditions.
        base: the run that the search starts from.
        known: every key that a table of any kind may contain.
        is_conditional: whether the setting is searched under a condition only.
    """

    path: str
    table: Mapping[str, Any]
    base: RunConfig
    known: tuple[str, ...]
    is_conditional: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """Where the table is in the study file."""
        return ("space", self.path)

    def field(self) -> FieldType:
        """Return the type of the setting.

        Raises:
            StudyFileError: under :attr:`key`, if a run has no such setting or all trials must agree in it.
        """
        if reason := why_fixed(self.path):
            raise StudyFileError(self.key, f"cannot be searched: {reason}; set it under [base]")
        return require_field(self.path, config_fields(self.base.tasks), self.key)

    def scalar_field(self, key: tuple[str, ...]) -> FieldType:
        """Like :meth:`field`, but refuse a setting that is not a number, text or switch.

        Raises:
            StudyFileError: under ``key`` for such a setting.
        """
        field = self.field()
        if field.kind is None:
            raise StudyFileError(key, "this setting cannot be searched; set it under [base]")
        return field

    def check_keys(self, allowed: tuple[str, ...]) -> None:
        """Refuse keys that this kind of values does not have.

        Raises:
            StudyFileError: under the first of them.
        """
        given = [key for key in allowed if key in self.table]
        for name in self.table:
            if name in allowed:
                continue
            if name in self.known and given:
                raise StudyFileError((*self.key, name), f"cannot be combined with {' and '.join(given)}")
            hint = "" if name in self.known else name_hint(name, self.known)
            raise StudyFileError((*self.key, name), f"unknown key{hint or '; known: ' + ', '.join(allowed)}")

"""The interface of everything that can be searched: which values there are, and how a run takes one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from core.config import RunConfig
from search.display.values import shown, shown_list
from search.space.conditions import Condition
from search.space.entry import SpaceEntry
from search.space.paths import get_value, set_value

__all__ = ["Distribution", "Encoding", "NumberKind", "Numbers", "Probe", "Suggester", "written"]

NumberKind = Literal["number", "choice", "shares", "fixed"]
Probe = tuple[tuple[str, ...], Any]
"""A value to try before a study starts, after its key in the study file."""


class Suggester(Protocol):
    """The part of an Optuna trial that a space needs."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Return a number from low to high, both included."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Return a whole number from low to high, both included."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""


@dataclass(frozen=True)
class Encoding:
    """A configuration in the space's terms.

    Attributes:
        params: Optuna's parameters that give it; those of a setting outside its range are left out.
        notes: one line for each setting that was left out.
    """

    params: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """The values of a setting in n trials as numbers, from which models of the score learn.

    Attributes:
        kind: how the effect of the setting is shown: ``number`` as a line, ``choice`` as one mean for each of few
            values, ``shares`` as one line for each part; ``fixed`` has no effect of its own.
        columns: (n, k) float32. A number is one column, from 0 to 1 over its range, on the scale that it is searched
            on; choices without an order have one column each.
        is_log: whether that scale is logarithmic.
        tasks: names of the parts, of shares.
        unset: trials that are searched and still have no value, (n,) bool; None: there are none.
    """

    kind: NumberKind
    columns: np.ndarray
    is_log: bool = False
    tasks: tuple[str, ...] = ()
    unset: np.ndarray | None = None


class Distribution(ABC):
    """The values that one searched setting may take.

    A new kind of searched value is a subclass in a file of its own, and one line in :mod:`search.space.kinds`, which
    lets study files use it. The defaults below suit a kind of a few values, which :meth:`listed` returns, of the
    setting at ``path``. A kind that sets several settings at once, as :class:`~search.space.simplex.Simplex` and
    :class:`~search.space.variants.Variants` do, overrides :meth:`put`, :meth:`read` and :meth:`settings`.

    Attributes:
        kind: its name in the table of searched settings.
        noun: its name in a sentence, ``a range``.
        keys: what its table in a study file may contain besides ``when``; the first key is always there, and tells the
            kind.
        defaults: what a key stands for that the table does not contain.
        is_searched: whether trials are asked for a value.
        can_fail: whether a value can make a run impossible. If not, it is not tried by itself, and errors about
            impossible runs do not name it.
        is_linkable: whether a hint may tie another setting to one of its values.
    """

    kind: ClassVar[str]
    noun: ClassVar[str]
    keys: ClassVar[tuple[str, ...]]
    defaults: ClassVar[Mapping[str, object]] = {}
    is_searched: ClassVar[bool] = True
    can_fail: ClassVar[bool] = True
    is_linkable: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def parse(cls, entry: SpaceEntry) -> Distribution:
        """Read the kind from its table; the inverse of :meth:`to_json`.

        Raises:
            StudyFileError: under the entry's key and what follows it.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the table of a study file."""

    def describe(self) -> str:
        """Return the values in words, for the table of searched settings. By default, they are those listed."""
        return shown_list(self.listed() or [])

    def suggest(self, trial: Suggester, path: str) -> Any:
        """Ask the trial for a value, by default one of those listed. Names of its parameters begin with ``path``."""
        return trial.suggest_categorical(path, self.listed() or [])

    def contains(self, value: object) -> bool:
        """Return whether a trial could have this value. By default, it is one of those listed."""
        return value in (self.listed() or [])

    def put(self, tree: dict[str, Any], path: str, value: Any) -> None:
        """Set the value in a nested dictionary of all settings."""
        set_value(tree, path, value)

    def read(self, config: RunConfig, path: str) -> Any:
        """Return the value that a run has. It is hashable."""
        return get_value(config, path)

    def settings(self, path: str) -> set[str]:
        """Return the paths of all settings that its values change."""
        return {path}

    def shown(self, config: RunConfig, path: str) -> dict[str, Any]:
        """Return what a run has, by name, as tables of trials show it."""
        return {path: self.read(config, path)}

    def encode(self, config: RunConfig, path: str) -> Encoding:
        """Return the parameters with which a trial gets the run's value."""
        value = self.read(config, path)
        if self.contains(value):
            return Encoding({path: value} if self.is_searched else {})
        return self._outside(path, shown(value), self.remedy(path, value))

    def remedy(self, path: str, value: object) -> str:  # noqa: ARG002
        """Return what to write so that ``value``, which lies outside, lies inside: ``; set ...``, or nothing."""
        return ""

    def listed(self) -> list[Any] | None:
        """Return every value in order; None if they are too many, or not finitely many."""
        return None

    def probes(self, path: str) -> tuple[Probe, ...]:
        """Return the values that are tried before a study starts. By default, they are those listed."""
        return tuple((("space", path, self.keys[0]), value) for value in self.listed() or [])

    def meeting(self, rule: Condition) -> tuple[Any, ...]:
        """Return a value that meets a condition on this setting, as a tuple of one; empty if there is none."""
        candidates = [value for _, value in self.probes(rule.path)]
        candidates += self.listed() or []
        candidates += rule.candidates()
        return next(((value,) for value in candidates if rule.holds(value) and self.contains(value)), ())

    def narrowed(self, config: RunConfig, path: str, rules: Sequence[Condition]) -> Distribution | None:  # noqa: ARG002
        """Return a quarter of the values, around the run's; None if one value is left.

        Args:
            config: the run in the middle.
            path: of this setting.
            rules: conditions on this setting, all of which hold, or do not, in the result as in the run.
        """
        return None

    def numbers(self, values: Sequence[Any]) -> Numbers:
        """Return the values of n trials as numbers; None is a trial without a value.

        By default, numbers are ranked, with "none" below them, and other choices have a column each.
        """
        listed = self.listed() or []
        given = [value for value in listed if value is not None]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
            ranks = {value: rank / max(len(given) - 1, 1) for rank, value in enumerate(sorted(given))}
            return Numbers("choice", np.array([[ranks.get(value, -1.0)] for value in values], np.float32))
        return Numbers("choice", np.array([[float(value == one) for one in listed] for value in values], np.float32))

    def differences(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        """Yield a line for each change from one table of this kind to another: ``high was 0.001, is now 0.01``."""
        for key in dict.fromkeys([*old, *new]):
            before, after = (table.get(key, self.defaults.get(key)) for table in (old, new))
            if before != after:
                yield f"{key} was {written(before)}, is now {written(after)}"

    def _outside(self, path: str, value: str, remedy: str = "") -> Encoding:
        return Encoding(notes=(f"{path} = {value} lies outside {self.describe()}{remedy}",))


def written(value: object) -> str:
    """Return a value of a table as a study file would write it: ``[cls, mean]``, ``{above = 1}``."""
    if isinstance(value, list):
        return f"[{shown_list(value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {written(part)}" for key, part in value.items()) + "}"
    return shown(value)

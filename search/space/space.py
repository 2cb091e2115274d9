"""The search space of a study: which settings of a run are searched, where, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from core.config import RunConfig
from data.errors import UserError
from search.display.values import shown
from search.parsing.pydantic_messages import explain
from search.space.conditions import Condition
from search.space.distribution import Distribution, Encoding, Suggester
from search.space.kinds import kind_of
from search.space.paths import get_value

__all__ = ["Dimension", "Proposal", "Space", "SpaceRow"]

_SEED = "seed"


@dataclass(frozen=True)
class Dimension:
    """One searched setting, or one that takes a value along with others.

    It keeps its base value in trials in which one of its conditions does not hold.
    """

    path: str
    distribution: Distribution
    when: tuple[Condition, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the entry of a study file."""
        table = self.distribution.to_json()
        if self.when:
            table["when"] = {condition.path: condition.to_json() for condition in self.when}
        return table

    def is_active(self, config: RunConfig) -> bool:
        """Return whether its conditions hold in this run."""
        return all(rule.holds(get_value(config, rule.path)) for rule in self.when)

    def describe(self) -> SpaceRow:
        """Return it in words."""
        condition = " and ".join(rule.describe() for rule in self.when)
        return SpaceRow(self.path, self.distribution.kind, self.distribution.describe(), condition)

    def differences(self, old: Mapping[str, Any]) -> Iterator[str]:
        """Yield a phrase for each change from ``old``, which was the entry of this setting."""
        if self.distribution.keys[0] not in old:
            yield f"was {kind_of(self.path, old).noun}, is now {self.distribution.noun}"
        else:
            yield from self.distribution.differences(old, self.to_json())


class SpaceRow(NamedTuple):
    """A dimension in words, for printing."""

    path: str
    kind: str
    values: str
    condition: str


@dataclass(frozen=True)
class Proposal:
    """What a trial makes of the base, not yet checked to be a run.

    Attributes:
        tree: all settings, as RunConfig takes them.
        chosen: the values that the trial, or a condition, gave, by path; those that cannot make a run impossible, such
            as shares of tasks, are left out.
    """

    tree: dict[str, Any]
    chosen: dict[str, Any]


@dataclass(frozen=True)
class Space:
    """The searched settings, in an order in which every condition looks back only.

    An Optuna parameter has the setting's dotted path as its name; a simplex has one parameter for each task but its
    last, named ``loss.weights[sst]``. A setting of one value has none.
    """

    dimensions: tuple[Dimension, ...]

    @property
    def paths(self) -> list[str]:
        """Paths of the settings, in their order."""
        return [dimension.path for dimension in self.dimensions]

    @property
    def settings(self) -> set[str]:
        """Paths of all settings in which runs may differ: those of shares and of variants one by one."""
        return {setting for one in self.dimensions for setting in one.distribution.settings(one.path)}

    @property
    def has_conditions(self) -> bool:
        """Whether some settings are searched in some trials only."""
        return any(dimension.when for dimension in self._searched)

    @property
    def _searched(self) -> list[Dimension]:
        return [dimension for dimension in self.dimensions if dimension.distribution.is_searched]

    def suggest(self, trial: Suggester, base: RunConfig) -> RunConfig:
        """Return ``base`` with the trial's values for the searched settings.

        Raises:
            UserError: if the values do not make a run together.
        """
        proposal = self.propose(trial, base)
        try:
            return RunConfig.model_validate(proposal.tree)
        except ValidationError as error:
            values = ", ".join(f"{path} = {shown(value)}" for path, value in proposal.chosen.items())
            raise UserError(f"no run has {values}: {explain(error.errors()[0])}") from error

    def propose(self, trial: Suggester, base: RunConfig) -> Proposal:
        """Like :meth:`suggest`, but do not check whether the values make a run."""
        tree = base.model_dump()
        chosen: dict[str, Any] = {}
        for one in self.dimensions:
            if not all(rule.holds(chosen.get(rule.path, get_value(base, rule.path))) for rule in one.when):
                continue
            value = one.distribution.suggest(trial, one.path)
            one.distribution.put(tree, one.path, value)
            if one.distribution.can_fail:
                chosen[one.path] = value
        return Proposal(tree, chosen)

    def encode(self, config: RunConfig) -> Encoding:
        """Return the parameters with which :meth:`suggest` gives ``config``, as far as it lies in the space."""
        found = [one.distribution.encode(config, one.path) for one in self.dimensions if one.is_active(config)]
        params = {name: value for one in found for name, value in one.params.items()}
        return Encoding(params, tuple(note for one in found for note in one.notes))

    def chosen(self, config: RunConfig) -> dict[str, Any]:
        """Return the searched settings as ``config`` has them, for people to read: shares of tasks, task by task."""
        found: dict[str, Any] = {}
        for one in self.dimensions:
            if one.is_active(config):
                found |= one.distribution.shown(config, one.path)
        return found

    def grid(self) -> dict[str, list[Any]]:
        """Return every value of every parameter.

        Raises:
            UserError: if there is no such list.
        """
        values: dict[str, list[Any]] = {}
        for one in self._searched:
            listed = one.distribution.listed()
            if listed is None:
                raise UserError(f"a grid needs settings with finitely many values; give {one.path} choices or a step")
            if one.when:
                raise UserError(f"a grid cannot have conditions, which would repeat runs; {one.path} has one")
            values[one.path] = listed
        return values

    def describe(self) -> list[SpaceRow]:
        """Return one row for each searched setting."""
        return [dimension.describe() for dimension in self.dimensions]

    def to_json(self) -> dict[str, Any]:
        """Return JSON data in the form of a study file's ``[space]``, which ``read_space`` reads back."""
        return {dimension.path: dimension.to_json() for dimension in self.dimensions}

    def differences(self, old: Mapping[str, Any]) -> list[str]:
        """Return one line for each change, for example ``optim.learning_rate: high was 0.001, is now 0.01``.

        Args:
            old: what :meth:`to_json` gave when the study began. If this is the same space, there are no lines; the
                order of the settings does not count.
        """
        lines = [f"{path}: was searched, is no longer" for path in old if path not in self.paths]
        lines += [f"{path}: was not searched, now is" for path in self.paths if path not in old]
        known = [one for one in self.dimensions if one.path in old]
        return lines + [f"{one.path}: {change}" for one in known for change in one.differences(old[one.path])]

    def narrowed(self, centre: RunConfig) -> Space:
        """Return the space within this one around a run of it, which is the base of the narrow one. It may be empty.

        Ranges of numbers shrink to a quarter of their width on their own scale, with the run's value in the middle, cut
        off at the old ends; of steps and whole numbers at least the next one on either side stays. Shares of tasks
        shrink likewise. Choices are made: they, and settings that are not searched in the run because of a condition,
        are no part of the narrow space. A range is also cut off where a condition would change, so that no conditions
        are left. A searched seed stays as it was, since a lucky seed is no setting to keep.
        """
        rules = [rule for dimension in self.dimensions for rule in dimension.when]
        kept: list[Dimension] = []
        for one in self.dimensions:
            if one.is_active(centre):
                mine = [rule for rule in rules if rule.path == one.path]
                narrow = one.distribution if one.path == _SEED else one.distribution.narrowed(centre, one.path, mine)
                kept += [] if narrow is None else [Dimension(one.path, narrow)]
        return Space(tuple(kept))

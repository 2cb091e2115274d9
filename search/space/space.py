"""The search space of a study: which settings of a run are searched, where, and under which conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from core.config import RunConfig
from data.errors import UserError
from search.display.values import shown, spelled
from search.parsing.pydantic_messages import explain
from search.space.conditions import Condition
from search.space.distributions import Choices, Distribution, OneValue, Suggester
from search.space.paths import get_value, set_value
from search.space.simplex import Simplex
from search.space.variants import Variants

__all__ = ["SIMPLEX_PATH", "Dimension", "Encoding", "Proposal", "Space", "SpaceRow"]

SIMPLEX_PATH = "loss.weights"
"""The one setting that holds shares of the tasks."""


@dataclass(frozen=True)
class Dimension:
    """One searched setting, or one that takes a value along with others; where a condition does not hold, it keeps its
    base value.
    """

    path: str
    distribution: Distribution | Simplex | Variants
    when: tuple[Condition, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What a study file would hold."""
        table = self.distribution.to_json()
        if self.when:
            table["when"] = {condition.path: condition.to_json() for condition in self.when}
        return table

    def put(self, tree: dict[str, Any], value: Any) -> None:
        """Set the value in all settings of a run; not for shares, which are as many as there are tasks."""
        if isinstance(self.distribution, Variants):
            self.distribution.put(tree, value)
        else:
            set_value(tree, self.path, value)

    def read(self, config: RunConfig) -> Any:
        """The run's value."""
        return (
            self.distribution.read(config) if isinstance(self.distribution, Variants) else get_value(config, self.path)
        )

    def is_active(self, config: RunConfig) -> bool:
        """Whether its conditions hold in this run."""
        return all(rule.holds(get_value(config, rule.path)) for rule in self.when)


@dataclass(frozen=True)
class SpaceRow:
    """A dimension in words, for printing."""

    path: str
    kind: str
    values: str
    condition: str


@dataclass(frozen=True)
class Proposal:
    """What a trial makes of the base, before anyone has checked that it is a run.

    Attributes:
        tree: all settings, as RunConfig takes them.
        chosen: the settings that the trial, or a condition, gave a value, by path; shares of tasks are left out.
    """

    tree: dict[str, Any]
    chosen: dict[str, Any]


@dataclass(frozen=True)
class Encoding:
    """A configuration in the space's terms.

    Attributes:
        params: Optuna's parameters that give it; one that lies outside its range is left out.
        notes: one line for each that was left out.
    """

    params: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Space:
    """The searched settings, in an order in which every condition looks back only.

    An Optuna parameter has the setting's dotted path as its name; a simplex has one parameter for each task but its
    last, named ``loss.weights[sst]``. A setting of one value has none.
    """

    dimensions: tuple[Dimension, ...]

    @property
    def paths(self) -> list[str]:
        """Of the settings, in their order."""
        return [dimension.path for dimension in self.dimensions]

    @property
    def has_conditions(self) -> bool:
        """Whether some settings are searched in some trials only; one that takes a value along is never searched."""
        return any(dimension.when for dimension in self._searched)

    @property
    def _searched(self) -> list[Dimension]:
        return [dimension for dimension in self.dimensions if not isinstance(dimension.distribution, OneValue)]

    def suggest(self, trial: Suggester, base: RunConfig) -> RunConfig:
        """``base`` with the trial's values for the searched settings.

        The tasks of a simplex share among them the loss weight that they have together in ``base`` (a task without one
        has 1), so that equal shares of equal weights change nothing.

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
        """As :meth:`suggest`, but not checked."""
        tree = base.model_dump()
        chosen: dict[str, Any] = {}
        for dimension in self.dimensions:
            if not all(rule.holds(chosen.get(rule.path, get_value(base, rule.path))) for rule in dimension.when):
                continue
            if isinstance(dimension.distribution, Simplex):
                total = sum(_weights(dimension.distribution, base).values())
                shares = dimension.distribution.suggest(trial, dimension.path)
                tree["loss"]["weights"].update({task: total * share for task, share in shares.items()})
            else:
                chosen[dimension.path] = dimension.distribution.suggest(trial, dimension.path)
                dimension.put(tree, chosen[dimension.path])
        return Proposal(tree, chosen)

    def encode(self, config: RunConfig) -> Encoding:
        """The parameters with which :meth:`suggest` gives ``config``, as far as the space holds it."""
        params: dict[str, Any] = {}
        notes: list[str] = []
        for dimension in self.dimensions:
            if not dimension.is_active(config):
                continue
            found = _encode_simplex if isinstance(dimension.distribution, Simplex) else _encode_value
            new = found(dimension, config)
            if new is None:
                outside = f"{_shown_setting(dimension, config)} lies outside {dimension.distribution.describe()}"
                notes.append(outside + _way_in(dimension, config))
            else:
                params.update(new)
        return Encoding(params, tuple(notes))

    def chosen(self, config: RunConfig) -> dict[str, Any]:
        """The searched settings as ``config`` has them, for people to read: a simplex as its shares, task by task."""
        return dict(self._chosen(config))

    def grid(self) -> dict[str, list[Any]]:
        """Every value of every parameter.

        Raises:
            UserError: if there is no such list.
        """
        values: dict[str, list[Any]] = {}
        for dimension in self._searched:
            listed = None if isinstance(dimension.distribution, Simplex) else dimension.distribution.listed()
            if listed is None:
                raise UserError(
                    f"a grid needs settings with finitely many values; give {dimension.path} choices or a step"
                )
            if dimension.when:
                raise UserError(f"a grid has no conditions, and would repeat runs; {dimension.path} has one")
            values[dimension.path] = listed
        return values

    def describe(self) -> list[SpaceRow]:
        """One row for each searched setting."""
        return [
            SpaceRow(
                path=dimension.path,
                kind=dimension.distribution.kind,
                values=dimension.distribution.describe(),
                condition=" and ".join(condition.describe() for condition in dimension.when),
            )
            for dimension in self.dimensions
        ]

    def to_json(self) -> dict[str, Any]:
        """JSON data in the form of a study file's ``[space]``, which ``parse_space`` reads back."""
        return {dimension.path: dimension.to_json() for dimension in self.dimensions}

    def _chosen(self, config: RunConfig) -> Iterator[tuple[str, Any]]:
        for dimension in self.dimensions:
            if isinstance(dimension.distribution, Simplex):
                weights = _weights(dimension.distribution, config)
                for task, weight in weights.items():
                    yield f"{dimension.path}.{task}", weight / sum(weights.values())
            elif dimension.is_active(config):
                yield dimension.path, dimension.read(config)


def _weights(simplex: Simplex, config: RunConfig) -> dict[str, float]:
    return {task: config.loss.weights[task] for task in simplex.tasks}


def _encode_value(dimension: Dimension, config: RunConfig) -> dict[str, Any] | None:
    assert not isinstance(dimension.distribution, Simplex)
    value = dimension.read(config)
    if not dimension.distribution.contains(value):
        return None
    return {} if isinstance(dimension.distribution, OneValue) else {dimension.path: value}


def _encode_simplex(dimension: Dimension, config: RunConfig) -> dict[str, Any] | None:
    simplex = dimension.distribution
    assert isinstance(simplex, Simplex)
    weights = _weights(simplex, config)
    total = sum(weights.values())
    if total <= 0.0:
        return None
    uniforms = simplex.encode({task: weight / total for task, weight in weights.items()})
    return None if uniforms is None else dict(zip(simplex.parameters(dimension.path), uniforms, strict=True))


def _shown_setting(dimension: Dimension, config: RunConfig) -> str:
    if isinstance(dimension.distribution, Simplex):
        weights = _weights(dimension.distribution, config)
        return f"{dimension.path} = " + ", ".join(f"{task} {shown(weight)}" for task, weight in weights.items())
    return f"{dimension.path} = {shown(dimension.read(config))}"


def _way_in(dimension: Dimension, config: RunConfig) -> str:
    """What to write so that the setting lies inside, where its author may not see it: an unset one may well mean one of
    the values.
    """
    if isinstance(dimension.distribution, Simplex | Variants):
        return ""
    in_base = f"set base.{dimension.path} = {spelled(dimension.distribution.extremes()[0][1])}"
    if isinstance(dimension.distribution, OneValue):
        return f"; {in_base}"
    if get_value(config, dimension.path) is not None:
        return ""
    if isinstance(dimension.distribution, Choices):
        return f'; add "none" to the choices, or {in_base}'
    return f'; {in_base}, or give choices with "none" among them'

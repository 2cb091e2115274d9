"""Try a search space out on its base, so that impossible values are reported before the study starts."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from core.config import RunConfig
from search.display.values import shown, spelled
from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.parsing.pydantic_messages import explain, named_setting
from search.space.conditions import Condition
from search.space.paths import config_fields, get_value, set_value
from search.space.random_draws import RandomDraws
from search.space.space import Dimension, Proposal, Space

__all__ = ["TriedRun", "try_space"]

_DRAWS = 100


@dataclass(frozen=True)
class TriedRun:
    """A run that the space can make.

    Attributes:
        key: where the study file gives the value that it was made for; ``("space",)`` for a random draw.
        value: the value, as a study file writes it; empty for a random draw.
    """

    key: tuple[str, ...]
    config: RunConfig
    value: str = ""

    def refuse(self, reason: str) -> StudyFileError:
        """Return the error to raise if a later check finds this run impossible."""
        what = f"{self.value} is not allowed here" if self.value else "some trials would fail"
        return StudyFileError(self.key, f"{what}: {reason}")


def try_space(space: Space, base: RunConfig) -> list[TriedRun]:
    """Return a run for each end of every range and for every choice, and random draws from the whole space.

    Bounds are RunConfig's own. A value is judged together with what it brings about: its own conditions are met, and
    settings whose conditions it meets in turn are set. If the run nearest to the base is impossible, draws of the other
    settings are tried, and the value is refused only if none of them helps. Everything is seeded.

    Raises:
        StudyFileError: under ``space`` and what follows it.
    """
    by_path = {dimension.path: dimension for dimension in space.dimensions}
    met: dict[str, dict[str, Any]] = {path: {} for path in by_path}
    for path, dimension in by_path.items():
        _meet(dimension, by_path, base, met[path])
    judged = [dimension for dimension in space.dimensions if dimension.distribution.can_fail]
    mistakes = Mistakes()
    for dimension in judged:
        with mistakes.noted():
            _check_bounds(dimension, met[dimension.path], base)
    mistakes.raise_any()
    values = [tried for dimension in judged for tried in _values(dimension, met[dimension.path], space, base)]
    return [*values, *_draws(space, base)]


@dataclass(frozen=True)
class _Fault:
    """Why settings do not make a run; ``where`` is the setting that is out of its own bounds, if it is that simple."""

    where: str
    what: str


def _judge(tree: dict[str, Any], path: str = "") -> RunConfig | _Fault:
    """Return the run, or its first fault; one at ``path`` goes before others."""
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        faults = [_Fault(".".join(str(part) for part in one["loc"]), explain(one)) for one in error.errors()]
        return next((fault for fault in faults if fault.where == path), faults[0])


def _check_bounds(dimension: Dimension, met: Mapping[str, Any], base: RunConfig) -> None:
    """Refuse values that are wrong whatever the other settings are."""
    if dimension.path.startswith("model.scratch.") and base.model.scratch is None:
        raise StudyFileError(("space", dimension.path), "can be searched only if the base has [base.model.scratch]")
    for key, value in dimension.distribution.probes(dimension.path):
        tree = base.model_dump()
        for path, other in met.items():
            set_value(tree, path, other)
        dimension.distribution.put(tree, dimension.path, value)
        judged = _judge(tree, dimension.path)
        if isinstance(judged, _Fault) and judged.where == dimension.path:
            raise StudyFileError(key, judged.what)


def _values(dimension: Dimension, met: Mapping[str, Any], space: Space, base: RunConfig) -> Iterator[TriedRun]:
    for key, value in dimension.distribution.probes(dimension.path):
        first: tuple[Proposal, _Fault] | None = None
        for proposal in _proposals(dimension, value, met, space, base):
            judged = _judge(proposal.tree)
            if isinstance(judged, RunConfig):
                yield TriedRun(key, judged, shown(value))
                break
            first = first or (proposal, judged)
        else:
            # Without any proposal, it is searched so rarely that no draw included it.
            if first is not None:
                proposal, fault = first
                hint = _link_hint(dimension, value, proposal.tree, fault.what, space, base)
                hint = hint or _condition_hint(proposal, fault.what, space, base, judged=dimension.path)
                raise StudyFileError(key, f"{shown(value)} is not allowed here: {fault.what}{hint}")


def _proposals(
    dimension: Dimension, value: object, met: Mapping[str, Any], space: Space, base: RunConfig
) -> Iterator[Proposal]:
    """Yield proposals in which the setting has the value: first the one nearest to the base, then random ones."""
    near_base = space.encode(base).params
    for number in range(_DRAWS + 1):
        # Every other draw leaves the conditions to chance: they may hold in a way that suits the value better.
        fixed = {**(near_base if number == 0 else {}), **(met if number % 2 == 0 else {}), dimension.path: value}
        proposal = space.propose(RandomDraws(np.random.default_rng(number), fixed), base)
        if dimension.path in proposal.chosen:
            yield proposal


def _draws(space: Space, base: RunConfig) -> Iterator[TriedRun]:
    for number in range(_DRAWS):
        proposal = space.propose(RandomDraws(np.random.default_rng(number)), base)
        judged = _judge(proposal.tree)
        if isinstance(judged, RunConfig):
            yield TriedRun(("space",), judged)
            continue
        values = ", ".join(f"{path} = {shown(value)}" for path, value in proposal.chosen.items())
        hint = _condition_hint(proposal, judged.what, space, base)
        raise StudyFileError(("space",), f"some trials would fail: no valid run has {values}: {judged.what}{hint}")


def _meet(dimension: Dimension, by_path: Mapping[str, Dimension], base: RunConfig, chosen: dict[str, Any]) -> None:
    """Add to ``chosen`` values of other searched settings with which the dimension's conditions hold."""
    for rule in dimension.when:
        parent = by_path.get(rule.path)
        if parent is None:
            value = get_value(base, rule.path)
            if not rule.holds(value):
                raise _never(dimension, rule, f"{rule.path} is {shown(value)} in every trial")
            continue
        _meet(parent, by_path, base, chosen)
        if rule.path in chosen and rule.holds(chosen[rule.path]):
            continue
        example = parent.distribution.meeting(rule)
        # A conditional setting that is not searched in a trial has its base value.
        if not example and not (parent.when and rule.holds(get_value(base, rule.path))):
            raise _never(dimension, rule, f"{rule.path} is searched over {parent.distribution.describe()}")
        if example:
            chosen[rule.path] = example[0]


def _never(dimension: Dimension, rule: Condition, why: str) -> StudyFileError:
    return StudyFileError(("space", dimension.path, "when", rule.path), f"can never hold: {why}")


def _link_hint(
    dimension: Dimension, value: object, tree: dict[str, Any], reason: str, space: Space, base: RunConfig
) -> str:
    """Return how to change a setting that is not searched along with a choice, if that was tried and helps.

    ``tree`` contains the settings of the impossible run, and ``reason`` says why it is impossible.
    """
    fields = config_fields(base.tasks)
    other = named_setting(reason, fields)
    if other is None or other in space.paths or not dimension.distribution.is_linkable or fields[other].kind is None:
        return ""
    for candidate in _candidates(other, base):
        if _is_run(tree, other, candidate):
            when = f'{{ "{dimension.path}" = {spelled(value)} }}'
            return f'; this may help: "{other}" = {{ value = {spelled(candidate)}, when = {when} }}'
    return ""


def _condition_hint(proposal: Proposal, reason: str, space: Space, base: RunConfig, judged: str = "") -> str:
    """Return the hint that a setting may need a condition, if the run is possible with the base's value of it.

    ``judged`` is a setting that keeps its value, as do those that have a condition on it already.
    """
    named = named_setting(reason, config_fields(base.tasks))
    kept = {one.path for one in space.dimensions if judged in (one.path, *(rule.path for rule in one.when))}
    if len(proposal.chosen) > 1:
        for path in sorted(proposal.chosen.keys() - kept, key=lambda path: (path != named, path)):
            if _is_run(proposal.tree, path, get_value(base, path)):
                return f'; a condition (when) on "{path}" may help'
    return ""


def _candidates(path: str, base: RunConfig) -> Iterator[Any]:
    """Yield candidate values: the default, the other allowed literals, and the tasks' names."""
    field = config_fields(base.tasks)[path]
    tasks = {name: {"spec": task.spec} for name, task in base.tasks.items()}
    yield get_value(RunConfig.model_validate({"tasks": tasks}), path)
    yield from field.literals or (base.tasks if field.kind is str else ())


def _is_run(tree: dict[str, Any], path: str, value: object) -> bool:
    changed = copy.deepcopy(tree)
    set_value(changed, path, value)
    return isinstance(_judge(changed), RunConfig)

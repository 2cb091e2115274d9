"""``[space]`` of a study file, checked against the runs it will make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError

from core.config import RunConfig
from data.errors import UserError
from search.conditions import Condition, parse_conditions
from search.config_paths import FieldType, config_fields, get_value, require_field, set_value
from search.distributions import parse_distribution
from search.keyed_error import KeyedError, did_you_mean
from search.random_draws import RandomDraws
from search.shown_values import shown, shown_list
from search.simplex import Simplex
from search.space import SIMPLEX_PATH, Dimension, Space
from search.validation_messages import explain

__all__ = ["parse_space"]

_TRIED_DRAWS = 100
_FIXED = {
    "data.": "it names the user's files",
    "compute.": "it says where a run is computed",
    "eval.": "all trials are scored at the same positions",
    "budget.examples": "all trials are scored at the same positions",
}
_FIXED_IN_TASKS = {"score_weight", "dev_limit"}


def parse_space(table: Mapping[str, Any], base: RunConfig) -> Space:
    """The space of a ``[space]`` table over the settings of ``base``.

    Bounds are RunConfig's own: the ends of every range and every choice are put into ``base`` (together with what their
    conditions ask for), and random draws from the whole space are tried too.

    Raises:
        KeyedError: under ``space`` and what follows it.
    """
    fields = config_fields(base.tasks)
    dimensions = [_parse_dimension(path, raw, fields, base) for path, raw in table.items()]
    if not dimensions:
        raise KeyedError(("space",), 'is empty; give at least one setting, for example "optim.learning_rate"')
    _check_overlap(dimensions)
    space = Space(tuple(_in_order(dimensions)))
    for dimension in space.dimensions:
        _try_extremes(dimension, space, base)
    _try_draws(space, base)
    return space


def _parse_dimension(path: str, raw: object, fields: Mapping[str, FieldType], base: RunConfig) -> Dimension:
    key = ("space", path)
    if isinstance(raw, dict) and raw and all(isinstance(value, dict) for value in raw.values()) and "when" not in raw:
        raise KeyedError(key, f'write the whole path in quotes: "{path}.{next(iter(raw))}" = ...')
    table = {"choices": raw} if isinstance(raw, list) else raw
    if not isinstance(table, dict):
        raise KeyedError(
            key, f"must be a table with low and high, or a list of choices, got {raw!r}; one value is for [base]"
        )
    when = parse_conditions(table["when"], fields, (*key, "when")) if "when" in table else ()
    rest = {name: value for name, value in table.items() if name != "when"}
    if path == SIMPLEX_PATH or "simplex" in rest:
        return Dimension(path, _parse_simplex(path, rest, base, key), when)
    field = require_field(path, fields, key)
    _check_searchable(path, key)
    return Dimension(path, parse_distribution(rest, field, key), when)


def _check_searchable(path: str, key: tuple[str, ...]) -> None:
    reason = next((reason for prefix, reason in _FIXED.items() if path.startswith(prefix)), None)
    if path.startswith("tasks.") and path.rpartition(".")[2] in _FIXED_IN_TASKS:
        reason = "it changes what the score means"
    if reason:
        raise KeyedError(key, f"cannot be searched: {reason}; set it under [base]")


def _parse_simplex(path: str, table: Mapping[str, Any], base: RunConfig, key: tuple[str, ...]) -> Simplex:
    if path != SIMPLEX_PATH:
        raise KeyedError((*key, "simplex"), f'shares of tasks are searched under "{SIMPLEX_PATH}" only')
    for name in table:
        if name not in ("simplex", "min"):
            hint = did_you_mean(name, ("simplex", "min")) or f"; {SIMPLEX_PATH} takes simplex and min"
            raise KeyedError((*key, name), f"unknown key{hint}")
    tasks = table.get("simplex")
    if tasks is True:
        tasks = list(base.tasks)
    if not isinstance(tasks, list):
        raise KeyedError((*key, "simplex"), f"must be true, or a list of the study's tasks, got {shown(tasks)}")
    for task in tasks:
        if task not in base.tasks:
            hint = did_you_mean(str(task), base.tasks)
            raise KeyedError((*key, "simplex"), f"no such task in this study: {task!r}{hint}")
    minimum = table.get("min", 0.0)
    if type(minimum) not in (int, float):
        raise KeyedError((*key, "min"), f"must be a number, got {minimum!r}")
    try:
        simplex = Simplex(tuple(tasks), float(minimum))
    except ValueError as error:
        raise KeyedError(key, str(error)) from error
    if not sum(base.loss.weights[task] for task in tasks):
        raise KeyedError(key, f"{shown_list(tasks)} have no loss weight to share; base.loss.weights gives them 0")
    return simplex


def _check_overlap(dimensions: list[Dimension]) -> None:
    simplex = next((dimension for dimension in dimensions if isinstance(dimension.distribution, Simplex)), None)
    shared = simplex.distribution.tasks if simplex and isinstance(simplex.distribution, Simplex) else ()
    for dimension in dimensions:
        if dimension.path in {f"{SIMPLEX_PATH}.{task}" for task in shared}:
            raise KeyedError(("space", dimension.path), f'is already searched as a share of "{SIMPLEX_PATH}"; keep one')


def _in_order(dimensions: list[Dimension]) -> Iterator[Dimension]:
    """Each dimension after those its conditions look at, else as they came."""
    waiting = {dimension.path: dimension for dimension in dimensions}
    while waiting:
        ready = [one for one in waiting.values() if not any(rule.path in waiting for rule in one.when)]
        if not ready:
            first = next(iter(waiting.values()))
            circle = shown_list(waiting)
            raise KeyedError(("space", first.path, "when"), f"the conditions go round in a circle: {circle}")
        yield ready[0]
        del waiting[ready[0].path]


def _try_extremes(dimension: Dimension, space: Space, base: RunConfig) -> None:
    """Let RunConfig's own bounds speak, with the conditions met."""
    by_path = {one.path: one for one in space.dimensions}
    parents: dict[str, Any] = {}
    _meet(dimension, by_path, base, parents)
    if isinstance(dimension.distribution, Simplex):
        return
    if dimension.path.startswith("model.scratch.") and base.model.scratch is None:
        raise KeyedError(("space", dimension.path), "only a study whose base has [base.model.scratch] can search this")
    for name, value in dimension.distribution.extremes():
        tree = base.model_dump()
        for path, parent in parents.items():
            set_value(tree, path, parent)
        set_value(tree, dimension.path, value)
        try:
            RunConfig.model_validate(tree)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            what = explain(problem)
            if where != dimension.path:
                what = f"{shown(value)} is not allowed here: {what}; a condition (when) may help"
            raise KeyedError(("space", dimension.path, name), what) from error


def _meet(dimension: Dimension, by_path: Mapping[str, Dimension], base: RunConfig, chosen: dict[str, Any]) -> None:
    """Put into ``chosen`` values of the other settings with which the dimension's conditions hold."""
    for rule in dimension.when:
        parent = by_path.get(rule.path)
        if parent is None or isinstance(parent.distribution, Simplex):
            value = get_value(base, rule.path)
            if not rule.holds(value):
                raise _never(dimension, rule, f"{rule.path} is {shown(value)} in every trial")
            continue
        _meet(parent, by_path, base, chosen)
        if rule.path in chosen and rule.holds(chosen[rule.path]):
            continue
        example = rule.example(parent.distribution)
        # A conditional setting that is not searched in a trial has its base value.
        if not example and not (parent.when and rule.holds(get_value(base, rule.path))):
            raise _never(dimension, rule, f"{rule.path} is searched over {parent.distribution.describe()}")
        if example:
            chosen[rule.path] = example[0]


def _never(dimension: Dimension, rule: Condition, why: str) -> KeyedError:
    return KeyedError(("space", dimension.path, "when", rule.path), f"can never hold: {why}")


def _try_draws(space: Space, base: RunConfig) -> None:
    for number in range(_TRIED_DRAWS):
        try:
            space.suggest(RandomDraws(np.random.default_rng(number)), base)
        except UserError as error:
            raise KeyedError(
                ("space",), f"some of its trials would fail: {error}; a condition (when) may help"
            ) from error

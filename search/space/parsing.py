"""``[space]`` of a study file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from core.config import RunConfig
from search.display.values import shown, shown_list, spelled
from search.parsing.errors import StudyFileError, did_you_mean
from search.space.conditions import parse_conditions
from search.space.distributions import OneValue, parse_distribution
from search.space.feasibility import try_space
from search.space.paths import FieldType, config_fields, require_field
from search.space.simplex import Simplex
from search.space.space import SIMPLEX_PATH, Dimension, Space
from search.space.variants import VARIANT, Variants

__all__ = ["parse_space", "read_space", "why_fixed"]

_FIXED = {
    "data.": "it names the user's files",
    "compute.": "it says where a run is computed",
    "eval.": "all trials are scored at the same positions",
    "budget.examples": "all trials are scored at the same positions",
}
_FIXED_IN_TASKS = {"score_weight", "dev_limit"}


def parse_space(table: Mapping[str, Any], base: RunConfig) -> Space:
    """The space of a ``[space]`` table over the settings of ``base``, tried out by :func:`try_space`.

    Raises:
        StudyFileError: under ``space`` and what follows it.
    """
    space = read_space(table, base)
    try_space(space, base)
    return space


def read_space(table: Mapping[str, Any], base: RunConfig) -> Space:
    """The space of a ``[space]`` table, not tried out: for one that was when its study began, under another base maybe.

    Raises:
        StudyFileError: as :func:`parse_space`.
    """
    fields = config_fields(base.tasks)
    dimensions = [_parse_dimension(path, raw, fields, base) for path, raw in table.items()]
    if not dimensions:
        raise StudyFileError(("space",), 'is empty; give at least one setting, for example "optim.learning_rate"')
    if all(isinstance(dimension.distribution, OneValue) for dimension in dimensions):
        raise StudyFileError(("space",), "has nothing to search: each of its settings has one value")
    _check_overlap(dimensions)
    return Space(tuple(_in_order(dimensions)))


def _parse_dimension(path: str, raw: object, fields: Mapping[str, FieldType], base: RunConfig) -> Dimension:
    key = ("space", path)
    if path == VARIANT and isinstance(raw, dict) and "variants" in raw:
        return Dimension(path, Variants.from_json(raw))  # of a recorded study; in a file it stands under [variants]
    if isinstance(raw, dict) and raw and all(isinstance(value, dict) for value in raw.values()) and "when" not in raw:
        raise StudyFileError(key, f'write the whole path in quotes: "{path}.{next(iter(raw))}" = ...')
    table = {"choices": raw} if isinstance(raw, list) else raw
    if not isinstance(table, dict):
        raise StudyFileError(
            key, f"must be a table with low and high, or a list of choices, got {raw!r}; one value is for [base]"
        )
    when = parse_conditions(table["when"], fields, (*key, "when")) if "when" in table else ()
    rest = {name: value for name, value in table.items() if name != "when"}
    if "value" in rest and not when:
        raise StudyFileError((*key, "value"), "one value is for [base]; here it needs a condition (when)")
    if when and isinstance(rest.get("choices"), list) and len(rest["choices"]) == 1:
        one = spelled(rest["choices"][0])
        raise StudyFileError(
            (*key, "choices"), f"must hold at least two different values; for one, write value = {one}"
        )
    if path == SIMPLEX_PATH or "simplex" in rest:
        return Dimension(path, _parse_simplex(path, rest, base, key), when)
    field = require_field(path, fields, key)
    _check_searchable(path, key)
    return Dimension(path, parse_distribution(rest, field, key), when)


def _check_searchable(path: str, key: tuple[str, ...]) -> None:
    if reason := why_fixed(path):
        raise StudyFileError(key, f"cannot be searched: {reason}; set it under [base]")


def why_fixed(path: str) -> str | None:
    """Why all trials of a study must have the same value of a setting; None if they need not."""
    if path.startswith("tasks.") and path.rpartition(".")[2] in _FIXED_IN_TASKS:
        return "it changes what the score means"
    return next((reason for prefix, reason in _FIXED.items() if path.startswith(prefix)), None)


def _parse_simplex(path: str, table: Mapping[str, Any], base: RunConfig, key: tuple[str, ...]) -> Simplex:
    if path != SIMPLEX_PATH:
        raise StudyFileError((*key, "simplex"), f'shares of tasks are searched under "{SIMPLEX_PATH}" only')
    for name in table:
        if name not in ("simplex", "min"):
            hint = did_you_mean(name, ("simplex", "min")) or f"; {SIMPLEX_PATH} takes simplex and min"
            raise StudyFileError((*key, name), f"unknown key{hint}")
    tasks = table.get("simplex")
    if tasks is True:
        tasks = list(base.tasks)
    if not isinstance(tasks, list):
        raise StudyFileError((*key, "simplex"), f"must be true, or a list of the study's tasks, got {shown(tasks)}")
    for task in tasks:
        if task not in base.tasks:
            hint = did_you_mean(str(task), base.tasks)
            raise StudyFileError((*key, "simplex"), f"no such task in this study: {task!r}{hint}")
    minimum = _parse_minimum(table.get("min", 0.0), tasks, (*key, "min"))
    try:
        simplex = Simplex(tuple(tasks), minimum)
    except ValueError as error:
        raise StudyFileError(key, str(error)) from error
    if not sum(base.loss.weights[task] for task in tasks):
        raise StudyFileError(key, f"{shown_list(tasks)} have no loss weight to share; base.loss.weights gives them 0")
    return simplex


def _parse_minimum(raw: object, tasks: list[str], key: tuple[str, ...]) -> float | tuple[float, ...]:
    """One number for all shares, or a table with one for some of the tasks."""
    if not isinstance(raw, dict):
        return _number(raw, key)
    for task in raw:
        if task not in tasks:
            raise StudyFileError((*key, task), f"is none of the tasks that share: {shown_list(tasks)}")
    return tuple(_number(raw.get(task, 0.0), (*key, task)) for task in tasks)


def _number(raw: object, key: tuple[str, ...]) -> float:
    if type(raw) not in (int, float):
        raise StudyFileError(key, f"must be a number, got {raw!r}")
    return float(cast(float, raw))


def _check_overlap(dimensions: list[Dimension]) -> None:
    simplex = next((dimension for dimension in dimensions if isinstance(dimension.distribution, Simplex)), None)
    shared = simplex.distribution.tasks if simplex and isinstance(simplex.distribution, Simplex) else ()
    for dimension in dimensions:
        if dimension.path in {f"{SIMPLEX_PATH}.{task}" for task in shared}:
            raise StudyFileError(
                ("space", dimension.path), f'is already searched as a share of "{SIMPLEX_PATH}"; keep one'
            )


def _in_order(dimensions: list[Dimension]) -> Iterator[Dimension]:
    """Each dimension after those its conditions look at, else as they came."""
    waiting = {dimension.path: dimension for dimension in dimensions}
    while waiting:
        ready = [one for one in waiting.values() if not any(rule.path in waiting for rule in one.when)]
        if not ready:
            first = next(iter(waiting.values()))
            circle = shown_list(waiting)
            raise StudyFileError(("space", first.path, "when"), f"the conditions go round in a circle: {circle}")
        yield ready[0]
        del waiting[ready[0].path]

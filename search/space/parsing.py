"""Read ``[space]`` of a study file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.config import RunConfig
from search.display.values import shown_list
from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.space.conditions import parse_conditions
from search.space.feasibility import try_space
from search.space.kinds import parse_distribution
from search.space.paths import FieldType, config_fields
from search.space.space import Dimension, Space
from search.space.variants import VARIANT

__all__ = ["parse_space", "read_space"]


def parse_space(table: Mapping[str, Any], base: RunConfig) -> Space:
    """Read a ``[space]`` table over the settings of ``base``, and try the space out with :func:`try_space`.

    Raises:
        StudyFileError: under ``space`` and what follows it.
    """
    space = read_space(table, base)
    try_space(space, base)
    return space


def read_space(table: Mapping[str, Any], base: RunConfig) -> Space:
    """Like :func:`parse_space`, but do not try the space out: that was done when its study began.

    Raises:
        StudyFileError: under ``space`` and what follows it.
    """
    fields = config_fields(base.tasks)
    dimensions: list[Dimension] = []
    mistakes = Mistakes()
    for path, raw in table.items():
        with mistakes.noted():
            dimensions.append(_parse_dimension(path, raw, fields, base))
    mistakes.raise_any()
    if not dimensions:
        raise StudyFileError(("space",), 'is empty; give at least one setting, for example "optim.learning_rate"')
    if not any(dimension.distribution.is_searched for dimension in dimensions):
        raise StudyFileError(("space",), "contains nothing to search: each of its settings has one value")
    _check_overlap(dimensions)
    return Space(tuple(_in_order(dimensions)))


def _parse_dimension(path: str, raw: object, fields: Mapping[str, FieldType], base: RunConfig) -> Dimension:
    key = ("space", path)
    if path == VARIANT and isinstance(raw, dict) and "variants" in raw:
        return Dimension(path, parse_distribution(path, raw, base))  # of a recorded study
    if isinstance(raw, dict) and raw and all(isinstance(value, dict) for value in raw.values()) and "when" not in raw:
        raise StudyFileError(key, f'write the whole path in quotes: "{path}.{next(iter(raw))}" = ...')
    table = {"choices": raw} if isinstance(raw, list) else raw
    if not isinstance(table, dict):
        raise StudyFileError(
            key,
            f"must be a table with low and high, or a list of choices, got {raw!r}; set a single value under [base]",
        )
    when = parse_conditions(table["when"], fields, (*key, "when")) if "when" in table else ()
    rest = {name: value for name, value in table.items() if name != "when"}
    return Dimension(path, parse_distribution(path, rest, base, is_conditional=bool(when)), when)


def _check_overlap(dimensions: list[Dimension]) -> None:
    for whole in dimensions:
        inside = whole.distribution.settings(whole.path) - {whole.path}
        for one in dimensions:
            if one.path in inside:
                raise StudyFileError(("space", one.path), f'is already searched as a part of "{whole.path}"; keep one')


def _in_order(dimensions: list[Dimension]) -> Iterator[Dimension]:
    """Yield each dimension after those that its conditions look at, otherwise in the order of the file."""
    waiting = {dimension.path: dimension for dimension in dimensions}
    while waiting:
        ready = [one for one in waiting.values() if not any(rule.path in waiting for rule in one.when)]
        if not ready:
            first = next(iter(waiting.values()))
            circle = shown_list(waiting)
            raise StudyFileError(
                ("space", first.path, "when"), f"the conditions depend on each other in a circle: {circle}"
            )
        yield ready[0]
        del waiting[ready[0].path]

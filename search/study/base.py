"""Read ``[base]`` of a study file, the run that the search starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from core.config import RunConfig
from data.tasks import TaskSpec
from search.display.values import spelled
from search.parsing.errors import StudyFileError, did_you_mean, spell_key
from search.parsing.pydantic_messages import explain, named_setting, without_setting
from search.space.paths import FieldType, check_value, config_fields, set_value

__all__ = ["build_base"]


def build_base(
    table: Mapping[str, Any],
    tasks: Mapping[str, TaskSpec],
    replaced: Mapping[str, object],
    key: tuple[str, ...],
) -> RunConfig:
    """Build the run of a ``[base]`` table, which contains only what differs from RunConfig's defaults.

    Args:
        table: nested tables of settings.
        tasks: the study's tasks by name, in order.
        replaced: settings by dotted path that override the table's.
        key: where the table is in its file.

    Raises:
        StudyFileError: under ``key`` and what follows it.
    """
    fields = config_fields(tasks)
    tree: dict[str, Any] = {"tasks": {name: {"spec": spec} for name, spec in tasks.items()}}
    for path, value in _leaves(table, "", fields, key):
        set_value(tree, path, check_value(value, fields[path], (*key, *path.split("."))))
    for path, replacement in replaced.items():
        set_value(tree, path, replacement)
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        problem = error.errors()[0]
        where = [str(part) for part in problem["loc"]]
        # Below a setting, pydantic names the members of its type: eval.rungs.int.
        while len(where) > 1 and ".".join(where[:-1]) in fields:
            where.pop()
        what = explain(problem)
        # An error about several settings, for which pydantic has no place, belongs to the setting it begins with.
        if (named := named_setting(what, fields)) is not None:
            where, what = named.split("."), without_setting(what, named)
        raise StudyFileError((*key, *where), what) from error


def _leaves(
    table: Mapping[str, Any], prefix: str, fields: Mapping[str, FieldType], top: tuple[str, ...]
) -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        path = prefix + name
        key = (*top, *prefix.split(".")[:-1], name)
        if path in fields:
            yield path, value
        elif not any(known.startswith(f"{path}.") for known in fields):
            raise StudyFileError(key, _unknown(path, prefix, fields))
        elif isinstance(value, dict):
            yield from _leaves(value, f"{path}.", fields, top)
        else:
            example = _example_by_task(path, value, fields)
            raise StudyFileError(key, f"must be a table [{spell_key(key)}]{example}, got {value!r}")


def _unknown(path: str, prefix: str, fields: Mapping[str, FieldType]) -> str:
    parts = path.split(".")
    if parts[0] == "tasks" and parts[-1] == "spec":
        return "describe a task under [tasks.NAME], not in the base"
    names = {known[: len(prefix)] + known[len(prefix) :].split(".")[0] for known in fields if known.startswith(prefix)}
    return f"no such setting of a run{did_you_mean(path, names) or did_you_mean(path, fields)}"


def _example_by_task(path: str, value: object, fields: Mapping[str, FieldType]) -> str:
    """Return ``, for example { sst = 1.0 }`` for a table with one setting for each task."""
    task = next(known.split(".")[1] for known in fields if known.startswith("tasks."))
    field = fields.get(f"{path}.{task}")
    if field is None or field.kind is None:
        return ""
    try:
        value = check_value(value, field, ())
    except StudyFileError:
        value = field.literals[0] if field.literals else 1.0
    return f", for example {{ {task} = {value if isinstance(value, float) else spelled(value)} }}"

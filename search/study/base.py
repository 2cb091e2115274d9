"""Read ``[base]`` of a study file, the run that the search starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.config import RunConfig
from data.tasks import TaskSpec
from search.display.values import spelled
from search.parsing.errors import StudyFileError, name_hint, spell_key
from search.parsing.mistakes import Mistakes
from search.parsing.pydantic_messages import explain, named_setting, without_setting
from search.space.paths import FieldType, check_value, config_fields, set_value

__all__ = ["RunTable", "base_noting"]


@dataclass(frozen=True)
class RunTable:
    """A table of a run's settings, which contains only what differs from RunConfig's defaults.

    Attributes:
        settings: nested tables.
        key: where they are in their file.
        tasks: the study's tasks by name, in order.
        replaced: settings by dotted path that override the table's.
    """

    settings: Mapping[str, Any]
    key: tuple[str, ...]
    tasks: Mapping[str, TaskSpec]
    replaced: Mapping[str, object] = field(default_factory=dict)


def base_noting(mistakes: Mistakes, table: RunTable, *, is_part: bool = False) -> RunConfig:
    """Build the run of a ``[base]`` table.

    Args:
        mistakes: gets those under the table's key and what follows it; what is wrong is left out of the run.
        table: the settings.
        is_part: whether settings or tasks that others depend on are not known: check only each setting by itself.
    """
    fields, key = config_fields(table.tasks), table.key
    tree: dict[str, Any] = {"tasks": {name: {"spec": spec} for name, spec in table.tasks.items()}}
    wrong = Mistakes()
    for path, value, where in _leaves(table.settings, "", fields, key, wrong):
        with wrong.noted():
            set_value(tree, path, check_value(value, fields[path], where))
    for path, replacement in table.replaced.items():
        set_value(tree, path, replacement)
    is_part = is_part or bool(wrong)
    try:
        config = RunConfig.model_validate(tree)
    except ValidationError as error:
        found = [_located(one, fields, key) for one in error.errors() if not (is_part and one["type"] == "value_error")]
        for one in {one.key: one for one in reversed(found)}.values():  # a type with several members: its first
            wrong.note(one)
        config = RunConfig.model_validate({"tasks": {name: {"spec": spec} for name, spec in table.tasks.items()}})
    if wrong:
        mistakes.note(wrong.as_error())
    return config


def _located(problem: ErrorDetails, fields: Mapping[str, FieldType], key: tuple[str, ...]) -> StudyFileError:
    where = [str(part) for part in problem["loc"]]
    # Below a setting, pydantic names the members of its type: eval.rungs.int.
    while len(where) > 1 and ".".join(where[:-1]) in fields:
        where.pop()
    what = explain(problem)
    # An error about several settings, for which pydantic has no place, belongs to the setting it begins with.
    if (named := named_setting(what, fields)) is not None:
        where, what = named.split("."), without_setting(what, named)
    return StudyFileError((*key, *where), what)


def _leaves(
    table: Mapping[str, Any],
    prefix: str,
    fields: Mapping[str, FieldType],
    top: tuple[str, ...],
    mistakes: Mistakes,
) -> Iterator[tuple[str, object, tuple[str, ...]]]:
    """Yield path, value and key of every setting that exists, and note what is no setting."""
    for name, value in table.items():
        path = prefix + name
        key = (*top, *prefix.split(".")[:-1], name)
        if path in fields:
            yield path, value, key
        elif not any(known.startswith(f"{path}.") for known in fields):
            mistakes.note(StudyFileError(key, _unknown(path, prefix, fields)))
        elif isinstance(value, dict):
            yield from _leaves(value, f"{path}.", fields, top, mistakes)
        else:
            example = _example_by_task(path, value, fields)
            mistakes.note(StudyFileError(key, f"must be a table [{spell_key(key)}]{example}, got {value!r}"))


def _unknown(path: str, prefix: str, fields: Mapping[str, FieldType]) -> str:
    parts = path.split(".")
    if parts[0] == "tasks" and parts[-1] == "spec":
        return "describe a task under [tasks.NAME], not in the base"
    names = {known[: len(prefix)] + known[len(prefix) :].split(".")[0] for known in fields if known.startswith(prefix)}
    return f"no such setting of a run{name_hint(path, names) or name_hint(path, fields)}"


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

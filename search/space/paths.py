"""List, type, read and set the settings of a RunConfig by dotted path, and say in which all trials must agree."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from core.config import RunConfig
from data.tasks import TaskSpec
from search.display.values import shown_list
from search.parsing.errors import StudyFileError, name_hint

__all__ = [
    "FieldType",
    "check_value",
    "config_fields",
    "differing_paths",
    "get_value",
    "json_value",
    "require_field",
    "set_value",
    "why_fixed",
    "why_fixed_in_variants",
]

_FIXED = {
    "data.": "it names the user's files",
    "compute.": "it says where a run is computed",
    "eval.early_share": "all trials are scored on the same dev examples",
    "eval.": "all trials are scored at the same positions",
    "budget.examples": "all trials are scored at the same positions",
    "budget.passes": "all trials are scored at the same positions",  # of study files: a run has examples
}
_OWN_OF_VARIANTS = {"budget.examples", "eval.rungs"}
_FIXED_IN_TASKS = {"score_weight", "dev_limit"}
_SCALARS = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


@dataclass(frozen=True)
class FieldType:
    """The type of a setting.

    Attributes:
        kind: float, int, bool or str; None for anything else, which can be set in ``[base]`` but not searched.
        literals: the only values a str may have; empty if it may have any.
        optional: whether None is allowed. TOML has no null: a study file writes the text ``"none"``.
    """

    kind: type[float] | type[int] | type[bool] | type[str] | None
    literals: tuple[str, ...] = ()
    optional: bool = False


def config_fields(tasks: Iterable[str]) -> dict[str, FieldType]:
    """Return every setting of a run over these tasks by its dotted path, except the tasks' own descriptions."""
    return dict(_walk(RunConfig, "", tuple(tasks)))


def require_field(path: str, fields: Mapping[str, FieldType], key: tuple[str, ...]) -> FieldType:
    """Return the type of the setting at ``path``.

    Raises:
        StudyFileError: under ``key``, if there is no such setting, with the nearest path.
    """
    if path not in fields:
        raise StudyFileError(key, f"no such setting of a run{name_hint(path, fields)}")
    return fields[path]


def check_value(value: object, field: FieldType, key: tuple[str, ...]) -> Any:
    """Return the value in the field's type: ``1`` becomes ``1.0``, and ``"none"`` None where that is allowed.

    Bounds are not checked here: RunConfig does that.

    Raises:
        StudyFileError: under ``key``, if the type is wrong.
    """
    if field.optional and value == "none" and "none" not in field.literals:
        return None
    if field.kind is None:
        return value
    if field.literals and value not in field.literals:
        guess = name_hint(str(value), field.literals)
        raise StudyFileError(key, f"must be one of {shown_list(field.literals)}, got {value!r}{guess}")
    if field.kind is float and type(value) is int:
        return float(value)
    if type(value) is not field.kind:
        raise StudyFileError(key, f"must be {_SCALARS[field.kind]}, got {value!r}")
    return value


def get_value(config: RunConfig, path: str) -> Any:
    """Return the value at ``path``; None also if the section around it is not set."""
    value: Any = config
    for part in path.split("."):
        if value is None:
            return None
        value = value[part] if isinstance(value, Mapping) else getattr(value, part)
    return value


def set_value(tree: dict[str, Any], path: str, value: object) -> None:
    """Set ``value`` at ``path`` of a nested dictionary, adding missing tables on the way."""
    *tables, last = path.split(".")
    for part in tables:
        if tree.get(part) is None:
            tree[part] = {}
        tree = tree[part]
    tree[last] = value


def json_value(config: RunConfig, path: str) -> Any:
    """Return the value at ``path`` as JSON data: a tuple becomes a list."""
    return json.loads(json.dumps(get_value(config, path)))


def differing_paths(configs: Sequence[RunConfig]) -> list[str]:
    """Return the paths of all settings in which runs over the same tasks differ, in RunConfig's order."""
    first, *others = configs
    return [
        path
        for path in config_fields(first.tasks)
        if any(json_value(other, path) != json_value(first, path) for other in others)
    ]


def why_fixed(path: str) -> str | None:
    """Return why all trials of a study must have the same value of a setting; None if they need not."""
    if path.startswith("tasks.") and path.rpartition(".")[2] in _FIXED_IN_TASKS:
        return "it changes what the score means"
    return next((reason for prefix, reason in _FIXED.items() if path.startswith(prefix)), None)


def why_fixed_in_variants(path: str) -> str | None:
    """Return why all variants of a comparison must have the same value of a setting; None if they need not.

    Unlike the trials of a search (:func:`why_fixed`), each variant may have its own length and rungs.
    """
    return None if path in _OWN_OF_VARIANTS else why_fixed(path)


def _walk(annotation: Any, path: str, tasks: tuple[str, ...]) -> Iterator[tuple[str, FieldType]]:
    annotation, optional = _plain(annotation)
    if annotation is TaskSpec or path == "data.fold":  # a study trains all folds
        return
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from _walk(field.annotation, f"{path}.{name}" if path else name, tasks)
    elif get_origin(annotation) is dict:
        # The dictionaries of a RunConfig are keyed by task.
        for task in tasks:
            yield from _walk(get_args(annotation)[1], f"{path}.{task}", tasks)
    elif get_origin(annotation) is Literal and all(isinstance(value, str) for value in get_args(annotation)):
        yield path, FieldType(str, get_args(annotation), optional)
    else:
        yield path, FieldType(annotation if annotation in _SCALARS else None, (), optional)


def _plain(annotation: Any) -> tuple[Any, bool]:
    """Return the annotation without ``Annotated`` and ``| None``, and whether None was allowed."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        if len(members) == 1 and len(get_args(annotation)) == 2:
            return _plain(members[0])[0], True
    return annotation, False

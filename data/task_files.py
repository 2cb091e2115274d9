"""Task descriptions in TOML: one ``[tasks.NAME]`` table per task, with the fields of :class:`data.tasks.TaskSpec`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from data.errors import UserError
from data.tasks import Columns, Kind, SplitFiles, TaskSpec, WrittenAs
from data.toml_text import parse_toml

__all__ = ["builtin_tasks", "load_tasks", "parse_tasks"]

_FIELDS: dict[tuple[str, ...], type[BaseModel]] = {(): TaskSpec, ("files",): SplitFiles, ("columns",): Columns}
_CHOICES: dict[tuple[str, ...], list[str]] = {
    ("kind",): [str(kind) for kind in Kind],
    ("written_as",): list(get_args(WrittenAs)),
}


def load_tasks(path: Path) -> dict[str, TaskSpec]:
    """Read the tasks of a TOML file, in the file's order.

    Raises:
        UserError: if the file cannot be read, is not TOML, contains anything but ``[tasks.NAME]`` tables, or has
            mistakes in a task; the message names the file and has one line per mistake.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot read the task file: {error}") from error
    return _parse_toml(text, str(path))


@cache
def _builtin() -> dict[str, TaskSpec]:
    return _parse_toml(resources.files("data").joinpath("builtin_tasks.toml").read_text("utf-8"), "builtin_tasks.toml")


def builtin_tasks() -> dict[str, TaskSpec]:
    """Return the tasks that come with the package: sst, para, sts and cfimdb."""
    return dict(_builtin())


def parse_tasks(table: Mapping[str, Any], source: str) -> dict[str, TaskSpec]:
    """Build the tasks of a parsed ``[tasks]`` table.

    Args:
        table: the name of each task and its fields.
        source: where the table comes from, for error messages; usually the path of the file.

    Raises:
        UserError: one line per mistake.
    """
    mistakes: list[str] = []
    tasks: dict[str, TaskSpec] = {}
    for name, fields in table.items():
        if not isinstance(fields, Mapping):
            mistakes.append(f"{source}: tasks.{name} must be a table, got {fields!r}")
        elif "name" in fields:
            mistakes.append(f"{source}: tasks.{name}.name: remove it, the task's name is that of its table")
        else:
            try:
                tasks[name] = TaskSpec.model_validate({"name": name, **fields})
            except ValidationError as error:
                mistakes += [f"{source}: {_describe(name, problem)}" for problem in error.errors()]
    if mistakes:
        raise UserError("\n".join(mistakes))
    return tasks


def _parse_toml(text: str, source: str) -> dict[str, TaskSpec]:
    document = parse_toml(text, source)
    unknown = [key for key in document if key != "tasks"]
    if unknown:
        raise UserError(f"{source}: unknown key '{unknown[0]}': a task file has only tables [tasks.NAME]")
    table = document.get("tasks")
    if not isinstance(table, dict) or not table:
        raise UserError(f"{source}: no tasks; describe at least one in a table [tasks.NAME]")
    return parse_tasks(table, source)


def _describe(task: str, problem: ErrorDetails) -> str:
    """Describe one mistake: where, what, and what was probably meant."""
    where, value = tuple(str(part) for part in problem["loc"]), problem["input"]
    path = ".".join(("tasks", task, *where))
    if where == ("name",):
        return (
            f"[tasks.{task}]: a task's name has only lower-case letters, digits and underscores, "
            "and starts with a letter"
        )
    if problem["type"] == "extra_forbidden":
        known = [name for name in _FIELDS[where[:-1]].model_fields if name != "name"]
        return f"{path}: unknown key{_meant(where[-1], known)}; known: {', '.join(known)}"
    if problem["type"] == "missing":
        return f"{path}: missing"
    if problem["type"] == "value_error":
        return f"{path}: {problem['ctx']['error']}"
    if where in _CHOICES:
        choices = _CHOICES[where]
        return f"{path} = {value!r}: must be one of {', '.join(choices)}{_meant(str(value), choices)}"
    return f"{path} = {value!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _meant(word: str, known: Iterable[str]) -> str:
    matches = get_close_matches(word, known, n=1)
    return f"; did you mean '{matches[0]}'?" if matches else ""

"""Say what pydantic found wrong in words for the author of a study file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from search.display.values import shown
from search.parsing.errors import StudyFileError, name_hint
from search.parsing.mistakes import Mistakes

__all__ = ["explain", "named_setting", "validated", "without_setting"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_BOUNDS = {
    "greater_than_equal": ("ge", "must be at least"),
    "greater_than": ("gt", "must be above"),
    "less_than_equal": ("le", "must be at most"),
    "less_than": ("lt", "must be below"),
}
_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
    "dict_type": "a table",
    "model_type": "a table",
    "list_type": "a list",
    "tuple_type": "a list",
    "finite_number": "a finite number",
}


def explain(problem: ErrorDetails) -> str:
    """Return one problem as a phrase that follows the key: ``must be at most 1, got 2``."""
    kind, context, value = problem["type"], problem.get("ctx", {}), problem["input"]
    if kind in _BOUNDS:
        name, rule = _BOUNDS[kind]
        return f"{rule} {shown(context[name])}, got {shown(value)}"
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, got {value!r}"
    if kind == "literal_error":
        return f"must be one of {context['expected']}, got {value!r}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return "is missing"
    return f"{problem['msg']}, got {value!r}"


def validated(model: type[ModelT], table: Mapping[str, Any], key: tuple[str, ...]) -> ModelT:
    """Build a model from a table of a study file.

    Raises:
        StudyFileError: under ``key`` and what follows it, with all problems; for an unknown key, with the nearest one
            that the model has.
    """
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        problems = error.errors()
    mistakes = Mistakes()
    # Raised outside, since pydantic's own error quotes the values, which may be secrets.
    for problem in problems:
        where, what = (*key, *map(str, problem["loc"])), explain(problem)
        if problem["type"] == "extra_forbidden":
            known = [field.alias or name for name, field in model.model_fields.items()]
            hint = name_hint(where[-1], known) or f"; known: {', '.join(known) or 'none'}"
            what = f"unknown key{hint}"
        mistakes.note(StudyFileError(where, what))
    raise mistakes.as_error()


def named_setting(what: str, paths: Iterable[str]) -> str | None:
    """Return the setting, or table of settings, that a message about several settings begins with; None if none."""
    name = what.split(" ")[0].rstrip(":")
    return name if any(path == name or path.startswith(f"{name}.") for path in paths) else None


def without_setting(what: str, path: str) -> str:
    """Return ``what`` without the path that it begins with: ``must rise`` for ``eval.rungs must rise``.

    A sentence with two subjects, such as ``swa.start and optim.ema both say ...``, is left unchanged.
    """
    return re.sub(rf"^{re.escape(path)}(?:: | = | (?=(?:must|has|have|needs|ends|is|are) ))", "", what)

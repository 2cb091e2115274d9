"""Read a part chosen by name, such as ``"tpe"``, ``{ name = "tpe", ... }`` or ``"package.module:Class"``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from search.display.values import shown
from search.parsing.errors import StudyFileError, did_you_mean
from search.parsing.pydantic_messages import validated

__all__ = ["NamedChoice", "Options", "build"]

T = TypeVar("T")


class Options(BaseModel):
    """Base of the options of one named part."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class NamedChoice:
    """A name and the options given with it."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: object, key: tuple[str, ...]) -> Self:
        """Read the choice that a study file makes.

        Raises:
            StudyFileError: under ``key``, if it is neither a name nor a table with one.
        """
        if isinstance(raw, str):
            return cls(raw)
        if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
            raise StudyFileError(key, f'must be a name, or a table {{ name = "...", ... }}, got {raw!r}')
        return cls(raw["name"], {name: value for name, value in raw.items() if name != "name"})

    def to_json(self) -> dict[str, Any]:
        """Return JSON data; :meth:`parse` reads it back."""
        return {"name": self.name, **self.options}

    def describe(self) -> str:
        """Return ``tpe (n_startup_trials = 5)``, for a table."""
        options = ", ".join(f"{name} = {shown(value)}" for name, value in self.options.items())
        return f"{self.name} ({options})" if options else self.name


def build(
    choice: NamedChoice,
    known: Mapping[str, tuple[type[Options], Callable[..., T]]],
    base: type[T],
    key: tuple[str, ...],
    *arguments: object,
    **extra: object,
) -> T:
    """Build the part that is chosen: a known one, or an object of the class that ``package.module:Class`` names.

    Args:
        choice: name and options.
        known: name -> options, and the function that gets them and ``arguments``.
        base: what an imported class must derive from.
        arguments: of the function that builds a known part.
        extra: arguments of an imported class besides its options, each given only if it takes one of this name.

    Raises:
        StudyFileError: under ``key``, if the name is unknown, cannot be imported or is no such class, or does not take
            the options.
    """
    if ":" in choice.name:
        return _build_imported(choice, base, key, extra)
    if choice.name not in known:
        hint = did_you_mean(choice.name, known) or "."
        raise StudyFileError(
            key, f"unknown name '{choice.name}'{hint} Known: {', '.join(known)}, or 'package.module:Class'"
        )
    model, make = known[choice.name]
    return make(validated(model, choice.options, key), *arguments)


def _build_imported(choice: NamedChoice, base: type[T], key: tuple[str, ...], extra: Mapping[str, object]) -> T:
    module_name, _, class_name = choice.name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise StudyFileError(key, f"cannot import '{choice.name}': {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise StudyFileError(key, f"'{choice.name}' is not a class derived from {base.__module__}.{base.__qualname__}")
    taken = inspect.signature(found).parameters
    options = {name: value for name, value in extra.items() if name in taken} | dict(choice.options)
    try:
        return found(**options)
    except (TypeError, ValueError) as error:
        raise StudyFileError(key, f"'{choice.name}' does not accept its options: {error}") from error

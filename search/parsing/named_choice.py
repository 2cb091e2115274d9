"""Read a part chosen by name, such as ``"tpe"``, ``{ name = "tpe", ... }`` or ``"package.module:Class"``."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from data.errors import UserError
from search.display.fault_text import fault_text, one_line
from search.display.values import shown
from search.parsing.errors import StudyFileError, name_hint
from search.parsing.pydantic_messages import validated

__all__ = ["NamedChoice", "Options", "build", "check_options"]

T = TypeVar("T")

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


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

    @property
    def is_own_class(self) -> bool:
        """Whether the choice is a class of the user, ``package.module:Class``."""
        return ":" in self.name

    def find_own_class(self, key: tuple[str, ...]) -> None:
        """Look for the module of the user's class without importing anything.

        Raises:
            StudyFileError: under ``key``, if there is no such module.
        """
        module, _, name = self.name.partition(":")
        if not _MODULE.fullmatch(module) or not name.isidentifier():
            raise StudyFileError(key, f"'{self.name}' must be a known name or 'package.module:Class'")
        if module in sys.modules:
            return
        parts, places = module.split("."), None
        for depth in range(1, len(parts) + 1):
            found = _find_module(".".join(parts[:depth]), places)
            if found is None:
                raise StudyFileError(key, f"cannot import '{self.name}': No module named '{'.'.join(parts[:depth])}'")
            places = found.submodule_search_locations or []

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
    options = check_options(choice, known, key)
    _, make = known[choice.name]
    return make(options, *arguments)


def check_options(
    choice: NamedChoice, known: Mapping[str, tuple[type[Options], Callable[..., object]]], key: tuple[str, ...]
) -> Options:
    """Return the options of a known part, checked by themselves.

    Args:
        known: as of :func:`build`.

    Raises:
        StudyFileError: under ``key``, if the name is unknown, or an option is wrong.
    """
    if choice.name not in known:
        hint = name_hint(choice.name, known) or "."
        raise StudyFileError(
            key, f"unknown name '{choice.name}'{hint} Known: {', '.join(known)}, or 'package.module:Class'"
        )
    return validated(known[choice.name][0], choice.options, key)


@contextmanager
def reported_as_users(choice: NamedChoice, kind: str) -> Iterator[None]:
    """Report an exception of the user's class as such, and not as a bug of ours.

    Raises:
        UserError: the class raised something that is no fault of the machine.
    """
    try:
        yield
    except Exception as error:
        if not choice.is_own_class or isinstance(error, UserError) or fault_text(error) is not None:
            raise
        raise UserError(f"{kind} '{choice.name}' raised {type(error).__name__}: {one_line(error)}") from error


def _find_module(name: str, places: Sequence[str] | None) -> ModuleSpec | None:
    """Return where a module is, in the folders of its package or among all modules; imports nothing."""
    specs = (finder.find_spec(name, places) for finder in sys.meta_path)
    return next((spec for spec in specs if spec is not None), None)


def _build_imported(choice: NamedChoice, base: type[T], key: tuple[str, ...], extra: Mapping[str, object]) -> T:
    choice.find_own_class(key)
    module_name, _, class_name = choice.name.partition(":")
    with _users_code(key, f"cannot import '{choice.name}'"):
        found = getattr(importlib.import_module(module_name), class_name)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise StudyFileError(key, f"'{choice.name}' is not a class derived from {base.__module__}.{base.__qualname__}")
    with _users_code(key, f"'{choice.name}' does not accept its options"):
        taken = inspect.signature(found).parameters
        options = {name: value for name, value in extra.items() if name in taken} | dict(choice.options)
        return found(**options)


@contextmanager
def _users_code(key: tuple[str, ...], what: str) -> Iterator[None]:
    """Run code of the user, whatever it does: what it prints goes to standard error, and what it raises is reported.

    Raises:
        StudyFileError: under ``key``, with ``what`` and the reason.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        raise StudyFileError(key, f"{what}: it exits with code {error.code}") from error
    except (ImportError, AttributeError, TypeError, ValueError) as error:  # their messages need no name
        raise StudyFileError(key, f"{what}: {one_line(error)}") from error
    except BaseException as error:
        raise StudyFileError(key, f"{what}: {type(error).__name__}: {one_line(error)}") from error

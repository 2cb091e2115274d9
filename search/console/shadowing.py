"""Say which of the user's files keeps Python from finding our packages. Imports the standard library only."""

from __future__ import annotations

import shlex
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

__all__ = ["refuse_shadowed", "shadowed_by"]

PACKAGES = ("core", "data", "studies")
"""Our packages next to ``search``; their names are common enough for a user's own file."""


def refuse_shadowed() -> None:
    """End the program, or the import, where Python would find other modules under the names of our packages.

    ``python -m`` puts the working directory first, so that a user's ``data.py`` or ``core/`` there is found instead of
    ours. A ``search.py`` there cannot be noticed: this code is never reached.

    Raises:
        SystemExit: with code 2, where a program of ours is being started; the reason is on standard error.
        ImportError: where some other program imports ``search``.
    """
    for name in PACKAGES:
        found = shadowed_by(name)
        if found is None:
            continue
        reason = f"{found} shadows the package '{name}' of onebert"
        command = _command_being_started()
        if command is None:
            raise ImportError(f"{reason}; rename it, or remove its folder from sys.path")
        print(f"error: {reason}; run `{command}` instead, or rename it", file=sys.stderr)  # noqa: T201
        raise SystemExit(2)


def shadowed_by(name: str) -> Path | None:
    """Return the file that ``import NAME`` would load in place of our package; None if it would load ours."""
    spec = find_spec(name)
    ours = Path(__file__).resolve().parents[2] / name
    if spec is None or _folder(spec) == ours:
        return None
    return Path(spec.origin) if spec.origin is not None else _folder(spec)


def _folder(spec: ModuleSpec) -> Path | None:
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]).resolve() if places else None


def _command_being_started() -> str | None:
    """Return the console script's form of ``python -m search.run ...``; None where that is not what runs."""
    if sys.argv[0] != "-m":  # what Python puts there while it looks for the module
        return None
    module, *options = sys.orig_argv[sys.orig_argv.index("-m") + 1 :]
    top, _, command = module.partition(".")
    return shlex.join(["onebert", *filter(None, [command]), *options]) if top == "search" else None

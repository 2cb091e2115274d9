"""Compare Python and its packages with the requirements of the project."""

from __future__ import annotations

import platform
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from search.doctor.check import Check, ok, warning, wrong

__all__ = ["check_packages", "check_python"]

_OLDEST = (3, 11)
_OPTUNA = "5.0."  # search.storage.optuna_internals rests on internals of it


def check_python() -> Iterator[Check]:
    """Check the version of the interpreter."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < _OLDEST:
        yield wrong("python", found, "create an environment with Python 3.11 or newer")
    else:
        yield ok("python", found)


def check_packages(requirements: Sequence[str] | None = None) -> Iterator[Check]:
    """Check the versions of packages, and problems that versions do not show.

    Args:
        requirements: as in pyproject.toml; None for those of this project.
    """
    needed = [Requirement(line) for line in (_ours() if requirements is None else requirements)]
    faults, missing_extras = [], []
    for requirement in needed:
        installed = _version(requirement.name)
        is_required = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if installed is None and is_required:
            faults.append(f"{requirement.name} is not installed")
        elif installed is None and _is_ours_to_offer(requirement):
            missing_extras.append(requirement.name)
        elif installed is not None and not requirement.specifier.contains(installed, prereleases=True):
            faults.append(f"{requirement.name} is {installed}, not {requirement.specifier}")
    if faults:
        yield wrong("packages", "; ".join(faults), "pip install -c constraints.txt -e .")
    else:
        optional = f"; optional and not installed: {', '.join(missing_extras)}" if missing_extras else ""
        yield ok("packages", f"{_own_version()} and all it needs{optional}")
    yield from _traps()


def _ours() -> list[str]:
    try:
        listed = requires("onebert")
    except PackageNotFoundError:  # run from a checkout that was never installed
        listed = None
    if listed is not None:
        return listed
    pyproject = Path(__file__).resolve().parents[2] / "pyproject.toml"
    lines: list[str] = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    return lines


def _is_ours_to_offer(requirement: Requirement) -> bool:
    """Return whether a requirement belongs to an extra for users, not to the one for developers."""
    return requirement.marker is not None and not requirement.marker.evaluate({"extra": "dev"})


def _own_version() -> str:
    installed = _version("onebert")
    return "onebert from a checkout" if installed is None else f"onebert {installed}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _traps() -> Iterator[Check]:
    optuna = _version("optuna")
    if optuna is not None and not optuna.startswith(_OPTUNA):
        yield warning(
            "optuna",
            f"{optuna}; interrupted trials are resumed through internals that were tested with {_OPTUNA}x",
            "pip install -c constraints.txt optuna",
        )
    import torch  # slow to import, and if that fails it is for the doctor to report

    try:
        torch.zeros(1).numpy()
    except RuntimeError as error:
        yield wrong(
            "torch",
            f"{torch.__version__} was built for another NumPy: {' '.join(str(error).split())}",
            "pip install -c constraints.txt torch numpy",
        )

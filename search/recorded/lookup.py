"""Refuse the name of a study that is not recorded, before Optuna is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.errors import UserError
from search.storage.study_names import DATABASE, recorded_names

__all__ = ["check_recorded", "not_recorded"]


def check_recorded(name: str, storage: str | None, runs_dir: Path) -> None:
    """Refuse a name that the storage is known not to have; pass where only opening the storage can tell.

    Args:
        name: as the user gave it.
        storage: the URL that the user gave; None for the default.
        runs_dir: contains the default storage.

    Raises:
        UserError: the storage has no such study.
    """
    names = recorded_names(storage, runs_dir)
    if names is not None and name not in names:
        raise not_recorded(name, names, where=f" in {storage or f'sqlite:///{(runs_dir / DATABASE).as_posix()}'}")


def not_recorded(name: str, names: Sequence[str], option: str = "--study", where: str = "") -> UserError:
    """Return the error for a study that is not recorded; it lists those that are.

    Args:
        name: as the user gave it.
        names: of the recorded studies, in the order to list them.
        option: to which the name was given.
        where: the storage in words, beginning with a blank.
    """
    there = f"it has {', '.join(names)}" if names else "it has none yet: run python -m search.run --study NAME"
    return UserError(f"{option} {name}: no such study{where}; {there}")

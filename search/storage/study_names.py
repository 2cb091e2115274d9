"""List the recorded studies without loading Optuna, so that a misspelt name is reported at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from data.errors import UserError

__all__ = ["DATABASE", "check_recorded", "not_recorded", "recorded_names"]

DATABASE = "studies.db"
"""Name of the SQLite file that records studies by default, in the runs folder."""

_SQLITE = "sqlite:///"
_BUSY_SECONDS = 30.0


def recorded_names(url: str | None, runs_dir: Path) -> list[str] | None:
    """Return the sorted names of the studies in an SQLite file, or None where only opening the storage can tell.

    Nothing is created: a missing file has no studies.

    Args:
        url: of the storage; None for the default one.
        runs_dir: contains the default storage.
    """
    path = runs_dir / DATABASE if url is None else _sqlite_file(url)
    if path is None:
        return None
    if not path.exists():
        return []
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
            return [name for (name,) in connection.execute("SELECT study_name FROM studies ORDER BY study_name")]
    except sqlite3.Error:  # locked, damaged or of another program: opening the storage says what is wrong
        return None


def _sqlite_file(url: str) -> Path | None:
    """Return the file of a plain SQLite URL whose folder exists; None for any other URL."""
    name = url.removeprefix(_SQLITE)
    if name == url or "?" in name or name in ("", ":memory:") or not Path(name).parent.is_dir():
        return None
    return Path(name)


def check_recorded(name: str, storage: str | None, runs_dir: Path) -> None:
    """Raise :func:`not_recorded` if the storage lacks the study; pass where only opening the storage can tell."""
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

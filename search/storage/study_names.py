"""List the recorded studies without loading Optuna, so that a misspelt name is reported at once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from shlex import quote as quoted
from urllib.parse import quote

from data.errors import UserError
from search.storage.runs_url import check_storage

__all__ = [
    "DATABASE",
    "check_database",
    "check_recorded",
    "not_recorded",
    "nowhere",
    "recorded_elsewhere",
    "recorded_names",
]

DATABASE = "studies.db"
"""Name of the SQLite file that records studies by default, in the runs folder."""

_SQLITE = "sqlite:///"
_BUSY_SECONDS = 30.0
_DEPTH = 3  # levels of folders to look into, above and below the current one
_FOLDERS = 1000  # to look into, at most
_PLACES = 3  # to name
_NAMES = 8  # of studies, for each place


def recorded_names(url: str | None, runs_dir: Path) -> list[str] | None:
    """Return the sorted names of the studies in an SQLite file, or None where only opening the storage can tell.

    Nothing is created: a missing file has no studies.

    Args:
        url: of the storage; None for the default one.
        runs_dir: contains the default storage.
    """
    path = _database_file(url, runs_dir)
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


def _database_file(url: str | None, runs_dir: Path) -> Path | None:
    check_storage(url, runs_dir)
    return runs_dir / DATABASE if url is None else _sqlite_file(url)


def _sqlite_file(url: str) -> Path | None:
    """Return the file of a plain SQLite URL whose folder exists; None for any other URL."""
    name = url.removeprefix(_SQLITE)
    if name == url or "?" in name or name in ("", ":memory:") or not Path(name).parent.is_dir():
        return None
    return Path(name)


def check_database(url: str | None, runs_dir: Path) -> None:
    """Refuse a storage whose file does not exist, which opening it would create; pass one that is no SQLite file.

    Raises:
        UserError: it says in which folder the command runs, and where there are studies.
    """
    file = _database_file(url, runs_dir)
    if file is not None and not file.exists():
        raise UserError(nowhere(url, runs_dir))


def check_recorded(name: str, storage: str | None, runs_dir: Path, option: str = "--study") -> None:
    """Refuse a study that the storage lacks; pass where only opening the storage can tell.

    Args:
        name: as the user gave it.
        option: to which the name was given.

    Raises:
        UserError: it lists the studies of the storage, or says where there are others.
    """
    names = recorded_names(storage, runs_dir)
    if names is None or name in names:
        return
    if not names:
        raise UserError(f"{option} {name}: {nowhere(storage, runs_dir)}")
    raise not_recorded(name, names, option, f" in {storage or f'sqlite:///{(runs_dir / DATABASE).as_posix()}'}")


def nowhere(storage: str | None, runs_dir: Path) -> str:
    """Say that the storage has no study, in which folder the command runs, and where there are studies."""
    file = _database_file(storage, runs_dir)
    lack = f"'{file}' has none yet" if file is not None and file.exists() else f"there is no '{file}'"
    places = _places(runs_dir)
    more = f"; and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
    advice = f"studies under {'; '.join(places[:_PLACES])}{more}" if places else "run python -m search.run --study NAME"
    return f"no study here: {lack}; you are in '{Path.cwd()}'; {advice}"


def recorded_elsewhere(name: str, runs_dir: Path) -> str | None:
    """Say where else a study of this name is recorded, if it is not recorded in the runs folder; None if nowhere.

    Looks into folders around the current one.
    """
    here = recorded_names(None, runs_dir)
    if here is None or name in here:
        return None
    for folder in _folders_around(runs_dir):
        if name in (recorded_names(None, folder) or []):
            return (
                f"a study '{name}' is recorded in '{folder}' ({_how_to_use(folder, runs_dir)}); this is a new one, in "
                f"'{runs_dir}'"
            )
    return None


def _places(runs_dir: Path) -> list[str]:
    """Describe the folders around the current one that have studies: their names, and how to use them."""
    places = []
    for folder in _folders_around(runs_dir):
        if names := recorded_names(None, folder):
            shown = ", ".join(names[:_NAMES]) + (", ..." if len(names) > _NAMES else "")
            places.append(f"'{folder}': {shown} ({_how_to_use(folder, runs_dir)})")
    return places


def _how_to_use(folder: Path, runs_dir: Path) -> str:
    is_like = runs_dir == Path(folder.name) and folder.parent != Path()
    return f"cd {quoted(str(folder.parent))}" if is_like else f"--runs-dir {quoted(str(folder))}"


def _folders_around(runs_dir: Path) -> Iterator[Path]:
    """Yield folders that may be a runs folder: first above the current one, then below it, level by level."""
    above = [Path(*[".."] * depth) for depth in range(1, _DEPTH + 1)]
    yield from (folder for parent in above for folder in (parent, parent / runs_dir.name))
    level, seen = [Path()], 0
    for _ in range(_DEPTH):
        below: list[Path] = []
        for folder in level:
            with suppress(OSError):  # no permission
                below += sorted(Path(entry.path) for entry in os.scandir(folder) if _is_plain(entry))
        yield from below[: _FOLDERS - seen]
        seen += len(below)
        if seen >= _FOLDERS:
            return
        level = below


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith((".", "__")) and entry.is_dir(follow_symlinks=False)


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

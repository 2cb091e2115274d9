"""Read presets: the settings of a known system under its name, for studies to start from or to compare.

A preset is a TOML file of settings, written like ``[base]`` of a study; ``docs/study-files.md`` describes it for
users.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from core.config.pretraining import NO_LENGTH
from data.errors import UserError
from data.tasks import TaskSpec
from data.toml_text import parse_toml
from search.parsing.errors import StudyFileError, name_hint
from search.parsing.toml_lines import error_in_file
from search.study.base import RunTable
from search.study.passes import PASSES, TrainingSets, build_run

__all__ = ["list_presets", "load_preset", "merged"]

# The keys of a length in each unit: of a stage, and of a run, whose passes have a further key.
_LENGTHS = {**{unit: (unit,) for unit in NO_LENGTH}, "passes": PASSES}


def list_presets(*studies_dirs: Path) -> dict[str, Path]:
    """Return the files of all presets by name: those in ``presets`` below the given folders override those of the
    package, and an earlier folder's those of a later one.
    """
    folders = (*studies_dirs, Path(str(resources.files("studies"))))
    return {path.stem: path for folder in reversed(folders) for path in sorted((folder / "presets").glob("*.toml"))}


def load_preset(
    name: str, tasks: Mapping[str, TaskSpec], known: Mapping[str, Path], key: tuple[str, ...]
) -> Mapping[str, Any]:
    """Read the preset of this name, check it by itself, and return its nested tables of settings.

    Args:
        name: one of ``known``.
        tasks: of the study; those that the preset has settings for must be among them.
        known: files by name, see :func:`list_presets`.
        key: where the study file names it.

    Raises:
        StudyFileError: under ``key``: it does not exist, or is for other tasks.
        UserError: a mistake in the preset's file, as 'file:line: key: what'.
    """
    if name not in known:
        hint = name_hint(name, known) or "."
        raise StudyFileError(key, f"no preset '{name}'{hint} Known: {', '.join(sorted(known)) or 'none'}")
    path = known[name]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot read the preset: {error}") from error
    table = parse_toml(text, str(path))
    table.pop("description", None)
    _check_tasks(name, table.pop("meant_for", []), tasks, key)
    try:
        build_run(RunTable(table, (), tasks), TrainingSets())
    except StudyFileError as error:
        raise error_in_file(error, path, text) from error
    return table


def _check_tasks(name: str, meant_for: object, tasks: Collection[str], key: tuple[str, ...]) -> None:
    if not isinstance(meant_for, list):
        raise StudyFileError(key, f"preset '{name}': meant_for must be a list of tasks")
    for task in meant_for:
        if task not in tasks:
            raise StudyFileError(
                key, f"preset '{name}' is for {', '.join(meant_for)}, but the study has no task '{task}'"
            )


def merged(*tables: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested tables; a later one's settings override those of an earlier one.

    A length is one setting, given in examples or in passes: the later one counts, whatever its unit.
    """
    result: dict[str, Any] = {}
    for table in tables:
        for unit in _LENGTHS:
            if unit in table and not isinstance(table[unit], Mapping):  # that would be a task of this name
                others = {key for other, keys in _LENGTHS.items() if other != unit for key in keys}
                result = {name: value for name, value in result.items() if name not in others}
        for name, value in table.items():
            below = result.get(name)
            both = isinstance(below, dict) and isinstance(value, Mapping)
            result[name] = merged(below or {}, value) if both else value
    return result

"""Collect the tasks of a study from its own file, its task files, and those built in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from data.errors import UserError
from data.splitting.split_rule import SplitRule
from data.task_files import builtin_tasks
from data.tasks import TaskSpec
from data.toml_text import parse_toml
from search.parsing.errors import StudyFileError, name_hint
from search.parsing.mistakes import Mistakes
from search.parsing.toml_lines import error_in_file
from search.study.document import StudyDocument
from search.study.task_tables import parse_tasks, stand_in

__all__ = ["load_tasks", "study_tasks"]


def study_tasks(document: StudyDocument, path: Path, mistakes: Mistakes) -> dict[str, TaskSpec]:
    """Return the study's tasks in its order, with a stand-in for each that has a mistake or is described nowhere.

    Args:
        path: of the study file; its task files are relative to its folder.
        mistakes: gets those under ``tasks`` and ``task_files``.
    """
    known = builtin_tasks()
    for name in document.task_files:
        with mistakes.noted():
            _add(known, load_tasks(path.parent / name), ("task_files",), mistakes)
    has_all_files = not mistakes
    described: set[str] = set()
    if isinstance(document.tasks, dict):
        # An empty table names a task that is described elsewhere.
        own = {name: table for name, table in document.tasks.items() if table != {}}
        described = set(own)
        _add(known, parse_tasks(own, mistakes), ("tasks",), mistakes)
    names = list(document.tasks)
    if not names:
        mistakes.note(StudyFileError(("tasks",), "is empty; name at least one task"))
    for name in names:
        if name not in known and name not in described and has_all_files:
            hint = name_hint(name, known) or "."
            mistakes.note(StudyFileError(("tasks",), f"no task '{name}'{hint} Known: {', '.join(known)}"))
        if names.count(name) > 1:
            mistakes.note(StudyFileError(("tasks",), f"'{name}' is listed twice"))
    tasks = {name: known[name] if name in known else stand_in(name) for name in names}
    if document.folds is not None:
        for name, task in tasks.items():
            # All tasks have the same folds, so that no other mistake follows from one in this task.
            tasks[name] = _forced_into_folds(task, document.folds)
            if name in known:
                with mistakes.noted():
                    tasks[name] = _in_folds(task, document.folds)
    return tasks


def _in_folds(task: TaskSpec, folds: int) -> TaskSpec:
    try:
        return task.with_folds(folds)
    except ValueError as error:
        raise StudyFileError(("folds",), str(error)) from None


def _forced_into_folds(task: TaskSpec, folds: int) -> TaskSpec:
    """Return the task in folds, whatever its dev file and its split say."""
    files = task.files.model_copy(update={"dev": task.files.train})
    return task.model_copy(update={"files": files, "split": SplitRule(folds=folds)})


def load_tasks(path: Path) -> dict[str, TaskSpec]:
    """Read the tasks of a TOML file, in the file's order.

    Raises:
        UserError: the file cannot be read, is not TOML, contains anything but ``[tasks.NAME]`` tables, or has
            mistakes in a task; the message has one line per mistake, with its place.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot read the task file: {error}") from error
    document, mistakes = parse_toml(text, str(path)), Mistakes()
    for key in document:
        if key != "tasks":
            mistakes.note(StudyFileError((key,), "unknown key; a task file has only tables [tasks.NAME]"))
    table = document.get("tasks")
    tasks: dict[str, TaskSpec] = {}
    if isinstance(table, dict) and table:
        tasks = parse_tasks(table, mistakes)
    else:
        mistakes.note(StudyFileError(("tasks",), "describe at least one task in a table [tasks.NAME]"))
    try:
        mistakes.raise_any()
    except StudyFileError as error:
        raise error_in_file(error, path, text) from None
    return tasks


def _add(known: dict[str, TaskSpec], new: Mapping[str, TaskSpec], key: tuple[str, ...], mistakes: Mistakes) -> None:
    for name, spec in new.items():
        if name in known:
            mistakes.note(StudyFileError(key, f"task '{name}' already exists; choose another name"))
        known.setdefault(name, spec)

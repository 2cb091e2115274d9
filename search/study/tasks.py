"""Collect the tasks of a study from its own file, its task files, and those built in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from data.task_files import builtin_tasks, load_tasks, parse_tasks
from data.tasks import TaskSpec
from search.parsing.errors import StudyFileError, did_you_mean
from search.study.document import StudyDocument

__all__ = ["study_tasks"]


def study_tasks(document: StudyDocument, path: Path) -> dict[str, TaskSpec]:
    """Return the study's tasks in its order.

    Args:
        path: of the study file; its task files are relative to its folder.

    Raises:
        StudyFileError: under ``tasks`` or ``task_files``.
    """
    known = builtin_tasks()
    for name in document.task_files:
        _add(known, load_tasks(path.parent / name), ("task_files",))
    if isinstance(document.tasks, dict):
        # An empty table names a task that is described elsewhere.
        own = {name: table for name, table in document.tasks.items() if table != {}}
        _add(known, parse_tasks(own, str(path)), ("tasks",))
    names = list(document.tasks)
    if not names:
        raise StudyFileError(("tasks",), "is empty; name at least one task")
    for name in names:
        if name not in known:
            raise StudyFileError(
                ("tasks",), f"no task '{name}'{did_you_mean(name, known) or '.'} Known: {', '.join(known)}"
            )
        if names.count(name) > 1:
            raise StudyFileError(("tasks",), f"'{name}' is listed twice")
    return {name: known[name] for name in names}


def _add(known: dict[str, TaskSpec], new: Mapping[str, TaskSpec], key: tuple[str, ...]) -> None:
    for name, spec in new.items():
        if name in known:
            raise StudyFileError(key, f"task '{name}' already exists; choose another name")
        known[name] = spec

"""Read the tasks that come with the package, from tables like those with which users describe their own.

There is one ``[tasks.NAME]`` table per task, with the fields of :class:`data.tasks.TaskSpec`.
``search/study/task_tables.py`` reads those of users, and says what is wrong in them.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from data.tasks import TaskSpec

__all__ = ["builtin_tasks"]


def builtin_tasks() -> dict[str, TaskSpec]:
    """Return the tasks that come with the package: sst, para, sts and cfimdb."""
    return dict(_builtin())


@cache
def _builtin() -> dict[str, TaskSpec]:
    tables = tomllib.loads(resources.files("data").joinpath("builtin_tasks.toml").read_text("utf-8"))["tasks"]
    return {name: TaskSpec.model_validate({"name": name, **fields}) for name, fields in tables.items()}

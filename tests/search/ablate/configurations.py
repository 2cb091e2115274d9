"""Configurations to take techniques out of."""

from __future__ import annotations

from typing import Any

from core.config import RunConfig
from data.task_files import builtin_tasks
from search.ablate.switches import SWITCHES
from search.space.paths import set_value
from tests.core.config.drawn_settings import Settings

TASKS = ("sst", "para", "sts")
BY_NAME = {switch.name: switch for switch in SWITCHES}


def made(values: Settings, tasks: tuple[str, ...] = TASKS) -> RunConfig:
    tree: dict[str, Any] = {"tasks": {name: {"spec": builtin_tasks()[name]} for name in tasks}}
    for path, value in values.items():
        set_value(tree, path, value)
    return RunConfig.model_validate(tree)


def is_fixed(path: str, config: RunConfig) -> bool:
    """Return whether all rows have the same value of a setting: seeds are paired, and scores comparable."""
    fixed = ("seed", "data.", "compute.", "eval.", "budget.examples", "tasks.*.score_weight", "tasks.*.dev_limit")
    return f"{path}.".startswith(tuple(prefix.replace("*", task) for task in config.tasks for prefix in fixed))

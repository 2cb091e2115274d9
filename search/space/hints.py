"""What may mend a space that makes impossible runs. A hint is given only where it was tried and helps."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from core.config import RunConfig
from search.display.values import spelled
from search.parsing.pydantic_messages import named_setting
from search.space.paths import config_fields, get_value, set_value
from search.space.space import Dimension, Proposal, Space

__all__ = ["condition_hint", "link_hint"]


def link_hint(
    dimension: Dimension, value: object, tree: dict[str, Any], reason: str, space: Space, base: RunConfig
) -> str:
    """Where a choice needs another setting, which is not searched, to change with it: how to write that.

    Args:
        dimension: which is searched.
        value: of it, which makes no run.
        tree: settings of the impossible run.
        reason: why there is none.
        space: what else is searched.
        base: the run that the search starts from.
    """
    fields = config_fields(base.tasks)
    other = named_setting(reason, fields)
    if other is None or other == dimension.path or other in {one.path for one in space.dimensions}:
        return ""
    if not dimension.distribution.is_linkable or fields[other].kind is None:
        return ""
    for candidate in _candidates(other, base):
        if _is_run(tree, other, candidate):
            when = f'{{ "{dimension.path}" = {spelled(value)} }}'
            return f'; this may help: "{other}" = {{ value = {spelled(candidate)}, when = {when} }}'
    return ""


def condition_hint(proposal: Proposal, reason: str, space: Space, base: RunConfig, judged: str = "") -> str:
    """Where the impossible run is one if a setting keeps its base value: that it may have a condition.

    Args:
        proposal: the run that is none.
        reason: why.
        space: what is searched.
        base: the run that the search starts from.
        judged: a setting that is to stay as it is, and with it those that have a condition on it already.
    """
    named = named_setting(reason, config_fields(base.tasks))
    kept = {one.path for one in space.dimensions if judged in (one.path, *(rule.path for rule in one.when))}
    if len(proposal.chosen) > 1:
        for path in sorted(proposal.chosen.keys() - kept, key=lambda path: (path != named, path)):
            if _is_run(proposal.tree, path, get_value(base, path)):
                return f'; a condition (when) on "{path}" may help'
    return ""


def _candidates(path: str, base: RunConfig) -> Iterator[Any]:
    """Values that the setting may have: its default, the other words it knows, and a task's name."""
    field = config_fields(base.tasks)[path]
    tasks = {name: {"spec": task.spec} for name, task in base.tasks.items()}
    yield get_value(RunConfig.model_validate({"tasks": tasks}), path)
    yield from field.literals or (base.tasks if field.kind is str else ())


def _is_run(tree: dict[str, Any], path: str, value: object) -> bool:
    changed = copy.deepcopy(tree)
    set_value(changed, path, value)
    try:
        RunConfig.model_validate(changed)
    except ValidationError:
        return False
    return True

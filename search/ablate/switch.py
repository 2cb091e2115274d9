"""A technique, or a searched setting, as something that can be taken out of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from core.config import RunConfig
from search.space.paths import get_value

__all__ = ["Changes", "Switch", "choice", "expanded", "setting", "technique"]

Changes: TypeAlias = dict[str, Any]
"""Values by dotted path."""

_TASK = "*"
_ROWS = {"technique": "without", "choice": "plain", "setting": "default"}


@dataclass(frozen=True)
class Switch:
    """What can be taken out of a run, leaving everything else as it is.

    Attributes:
        name: as ``docs/techniques.md`` has it.
        kind: a technique is left out, a choice goes back to plain training, and a setting to the study's default
            configuration.
        triggers: the settings that turn it on; a ``*`` in a path stands for each task.
        own: settings that say something only while it is on.
        off: of a run and the default configuration, what must change so that it is off; empty if it is off.
    """

    name: str
    kind: Literal["technique", "choice", "setting"]
    triggers: tuple[str, ...]
    own: tuple[str, ...]
    off: Callable[[RunConfig, RunConfig], Changes]

    @property
    def row(self) -> str:
        """What a run without it is called: ``without LoRA``, ``plain pooling``, ``default learning rate``."""
        return f"{_ROWS[self.kind]} {self.name}"


def technique(name: str, plain: Mapping[str, Any], own: Iterable[str] = ()) -> Switch:
    """Make a switch for a technique that is off if its settings have these values."""
    return Switch(name, "technique", tuple(plain), tuple(own), _reset_to(plain))


def choice(name: str, plain: Mapping[str, Any], own: Iterable[str] = ()) -> Switch:
    """Something that every run has, and that plain training has with these values."""
    return Switch(name, "choice", tuple(plain), tuple(own), _reset_to(plain))


def setting(name: str, *paths: str) -> Switch:
    """Make a switch for a setting that is no technique: it goes back to the default configuration's value."""

    def off(config: RunConfig, default: RunConfig) -> Changes:
        values = {path: get_value(default, path) for path in expanded(paths, config)}
        return _different(values, config)

    return Switch(name, "setting", paths, (), off)


def expanded(paths: Iterable[str], config: RunConfig) -> list[str]:
    """Expand the paths with each task in place of a ``*``."""
    return [path.replace(_TASK, task) for path in paths for task in (config.tasks if _TASK in path else ("",))]


def _reset_to(plain: Mapping[str, Any]) -> Callable[[RunConfig, RunConfig], Changes]:
    def off(config: RunConfig, default: RunConfig) -> Changes:  # noqa: ARG001  # plain is the same for all studies
        return _different(
            {path: value for pattern, value in plain.items() for path in expanded((pattern,), config)}, config
        )

    return off


def _different(values: Changes, config: RunConfig) -> Changes:
    return {path: value for path, value in values.items() if get_value(config, path) != value}

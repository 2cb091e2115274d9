"""Ready configurations as one setting to choose: each stands for many settings of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.config import RunConfig
from search.space.distributions import Suggester
from search.space.paths import differing_paths, json_value, set_value

__all__ = ["VARIANT", "Variants"]

VARIANT = "variant"
"""Name of the setting, and of its Optuna parameter."""


@dataclass(frozen=True)
class Variants:
    """Configurations by name, each as the settings in which any of them differ, by path.

    Values are JSON data, as they are stored.
    """

    settings: Mapping[str, Mapping[str, Any]]
    kind = "variant"

    @classmethod
    def of(cls, configs: Mapping[str, RunConfig]) -> Variants:
        """What tells these runs apart, but for their seeds, which are a setting of their own."""
        paths = [path for path in differing_paths(list(configs.values())) if path != "seed"]
        return cls({name: {path: json_value(config, path) for path in paths} for name, config in configs.items()})

    def suggest(self, trial: Suggester, name: str) -> str:
        """Ask the trial for one of the names."""
        chosen: str = trial.suggest_categorical(name, list(self.settings))
        return chosen

    def put(self, tree: dict[str, Any], chosen: str) -> None:
        """Set the settings of the chosen one in a nested dictionary."""
        for path, value in self.settings[chosen].items():
            set_value(tree, path, value)

    def read(self, config: RunConfig) -> str | None:
        """Which of them a run is, None if it is none."""
        for name, settings in self.settings.items():
            if all(json_value(config, path) == value for path, value in settings.items()):
                return name
        return None

    def contains(self, value: object) -> bool:
        """Whether it is one of the names."""
        return value in self.settings

    def listed(self) -> list[str]:
        """Every name."""
        return list(self.settings)

    def extremes(self) -> tuple[tuple[str, str], ...]:
        """Every name, with the key that it was given under."""
        return tuple(("variants", name) for name in self.settings)

    def describe(self) -> str:
        """For a table: the names."""
        return ", ".join(self.settings)

    def to_json(self) -> dict[str, Any]:
        """What is stored; :meth:`from_json` reads it back."""
        return {"variants": {name: dict(settings) for name, settings in self.settings.items()}}

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Variants:
        """The inverse of :meth:`to_json`."""
        return cls(table["variants"])

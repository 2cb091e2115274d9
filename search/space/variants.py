"""Ready configurations as one setting to choose: each sets many settings of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from core.config import RunConfig
from search.parsing.errors import StudyFileError
from search.space.distribution import Distribution, Probe, written
from search.space.entry import SpaceEntry
from search.space.paths import differing_paths, json_value, set_value

__all__ = ["VARIANT", "Variants"]

VARIANT = "variant"
"""Name of the setting, and of its Optuna parameter."""


@dataclass(frozen=True)
class Variants(Distribution):
    """Configurations by name, each as the settings in which any of them differ, by path.

    Values are JSON data, as they are stored.
    """

    configs: Mapping[str, Mapping[str, Any]]
    kind: ClassVar[str] = "variant"
    noun: ClassVar[str] = "variants"
    keys: ClassVar[tuple[str, ...]] = ("variants",)

    @classmethod
    def of(cls, configs: Mapping[str, RunConfig]) -> Variants:
        """Return what tells these runs apart, except their seeds, which are a setting of their own."""
        paths = [path for path in differing_paths(list(configs.values())) if path != "seed"]
        return cls({name: {path: json_value(config, path) for path in paths} for name, config in configs.items()})

    @classmethod
    def parse(cls, entry: SpaceEntry) -> Variants:
        """Read them back from a recorded study; a study file writes variants under ``[variants]``."""
        if entry.path != VARIANT:
            raise StudyFileError((*entry.key, "variants"), "unknown key; variants are tables [variants.NAME]")
        return cls(entry.table["variants"])

    def to_json(self) -> dict[str, Any]:
        """Return what is stored; :meth:`parse` reads it back."""
        return {"variants": {name: dict(settings) for name, settings in self.configs.items()}}

    def put(self, tree: dict[str, Any], path: str, value: Any) -> None:  # noqa: ARG002
        """Set the settings of the chosen one in a nested dictionary."""
        for setting, own in self.configs[value].items():
            set_value(tree, setting, own)

    def read(self, config: RunConfig, path: str) -> str | None:  # noqa: ARG002
        """Return the name of the one that a run is; None if it is none of them."""
        for name, settings in self.configs.items():
            if all(json_value(config, setting) == own for setting, own in settings.items()):
                return name
        return None

    def settings(self, path: str) -> set[str]:  # noqa: ARG002
        """Return the paths of the settings in which they differ."""
        return {setting for settings in self.configs.values() for setting in settings}

    def listed(self) -> list[str]:
        """Return every name."""
        return list(self.configs)

    def runs(self, base: RunConfig) -> dict[str, RunConfig]:
        """Return the run of each by name; what they have in common is that of the base."""
        found = {}
        for name in self.configs:
            tree = base.model_dump()
            self.put(tree, VARIANT, name)
            found[name] = RunConfig.model_validate(tree)
        return found

    def probes(self, path: str) -> tuple[Probe, ...]:  # noqa: ARG002
        """Return every name."""
        return tuple((("variants", name), name) for name in self.configs)

    def differences(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        """Yield a line for each variant that is new or gone, and for each setting that changed in one."""
        before, after = old["variants"], new["variants"]
        yield from (f"{name} is gone" for name in before if name not in after)
        yield from (f"{name} is new" for name in after if name not in before)
        for name in (name for name in after if name in before):
            was, now = before[name], after[name]
            for path in dict.fromkeys([*was, *now]):
                # A setting in which the variants no longer differ is in none of them.
                if path in was and path in now and was[path] != now[path]:
                    yield f"{name}: {path} was {written(was[path])}, is now {written(now[path])}"
                elif (path in was) != (path in now):
                    yield f"{name}: {path} {'no longer differs' if path in was else 'now differs'} between them"

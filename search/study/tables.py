"""Combine the tables of a study file that make runs: the base, presets, and what overrides both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import RunConfig
from data.tasks import TaskSpec
from search.parsing.errors import StudyFileError
from search.study.base import build_base
from search.study.presets import load_preset, merged

__all__ = ["Tables"]


@dataclass(frozen=True)
class Tables:
    """Settings by their source.

    Attributes:
        common: ``[base]``.
        override: ``[override]``, which overrides presets too.
        replaced: by dotted path, what the command line decides; it overrides everything.
        presets: files of presets by name.
    """

    tasks: Mapping[str, TaskSpec]
    common: Mapping[str, Any]
    override: Mapping[str, Any]
    replaced: Mapping[str, object]
    presets: Mapping[str, Path]

    def base(self, preset: str | None) -> RunConfig:
        """Build the run that a search starts from: the preset's settings, overridden by those of the base.

        Raises:
            StudyFileError: under ``base`` or ``preset``.
            UserError: a mistake in the preset's file.
        """
        below = {} if preset is None else load_preset(preset, self.tasks, self.presets, ("preset",))
        return build_base(merged(below, self.common, self.override), self.tasks, self.replaced, ("base",))

    def named(self, table: Mapping[str, Any], key: tuple[str, ...]) -> RunConfig:
        """Build a named run: the base's settings, overridden by the preset's, the override's, and its own.

        Args:
            table: nested tables of its own settings; ``preset`` names the preset, if there is one.
            key: where it is in the study file.

        Raises:
            StudyFileError: under ``key``.
            UserError: a mistake in the preset's file.
        """
        preset = table.get("preset")
        if not isinstance(preset, str | None):
            raise StudyFileError((*key, "preset"), f"must be a preset's name, got {preset!r}")
        above = {} if preset is None else load_preset(preset, self.tasks, self.presets, key)
        own = {name: value for name, value in table.items() if name != "preset"}
        return build_base(merged(self.common, above, self.override, own), self.tasks, self.replaced, key)

"""Combine the tables of a study file that make runs: the base, presets, and what overrides both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.config import RunConfig
from data.tasks import TaskSpec
from search.parsing.errors import StudyFileError
from search.parsing.mistakes import Mistakes
from search.study.base import RunTable
from search.study.passes import TrainingSets, build_run, run_noting
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
        sets: sizes of the training sets, for ``budget.passes``.
    """

    tasks: Mapping[str, TaskSpec]
    common: Mapping[str, Any]
    override: Mapping[str, Any]
    replaced: Mapping[str, object]
    presets: Mapping[str, Path]
    sets: TrainingSets = field(default_factory=TrainingSets)

    def base(self, preset: str | None, mistakes: Mistakes, *, is_part: bool = False) -> tuple[RunConfig, str]:
        """Build the run that a search starts from: the preset's settings, overridden by those of the base.

        Args:
            mistakes: gets those under ``base`` or ``preset``, and in the preset's file; they are left out of the run.
            is_part: as of :func:`search.study.base.base_noting`.

        Returns:
            The run and its length in words, as :func:`search.study.passes.run_noting` does.
        """
        below: Mapping[str, Any] = {}
        if preset is not None:
            before = len(mistakes)
            with mistakes.noted():
                below = load_preset(preset, self.tasks, self.presets, ("preset",))
            is_part = is_part or len(mistakes) > before
        table = merged(below, self.common, self.override)
        return run_noting(mistakes, self._run_table(table, ("base",)), self.sets, is_part=is_part)

    def named(self, table: Mapping[str, Any], key: tuple[str, ...]) -> tuple[RunConfig, str]:
        """Build a named run: the base's settings, overridden by the preset's, the override's, and its own.

        Args:
            table: nested tables of its own settings; ``preset`` names the preset, if there is one.
            key: where it is in the study file.

        Returns:
            The run and its length in words, as :func:`search.study.passes.run_noting` does.

        Raises:
            StudyFileError: under ``key``.
            UserError: a mistake in the preset's file.
        """
        preset, own = self._parts(table, key)
        whole = merged(self.common, preset, self.override, own)
        return build_run(self._run_table(whole, key), self.sets)

    def check_named(self, table: Mapping[str, Any], key: tuple[str, ...], mistakes: Mistakes) -> None:
        """Check each setting of a named run by itself, where the base has mistakes.

        Args:
            table: as of :meth:`named`.
            mistakes: gets those under ``key``, and in the preset's file.
        """
        with mistakes.noted():
            self._parts(table, key)
        own = {name: value for name, value in table.items() if name != "preset"}
        run_noting(mistakes, RunTable(own, key, self.tasks), self.sets, is_part=True)

    def _run_table(self, settings: Mapping[str, Any], key: tuple[str, ...]) -> RunTable:
        return RunTable(settings, key, self.tasks, self.replaced)

    def _parts(self, table: Mapping[str, Any], key: tuple[str, ...]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return the settings of a named run's preset, and its own."""
        preset = table.get("preset")
        if not isinstance(preset, str | None):
            raise StudyFileError((*key, "preset"), f"must be a preset's name, got {preset!r}")
        above = {} if preset is None else load_preset(preset, self.tasks, self.presets, key)
        return above, {name: value for name, value in table.items() if name != "preset"}

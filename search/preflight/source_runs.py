"""List what all trials of a study together read, and ask a language model, for further training examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from core.config import RunConfig
from core.config.augmentation import AugmentationConfig, RephrasedConfig, check_augmentation
from search.parsing.errors import StudyFileError
from search.space.random_draws import RandomDraws
from search.space.space import Dimension, Space
from search.space.variants import VARIANT

__all__ = ["SourceRun", "source_runs"]

_MOST_TRIED = 2000  # combinations of values for one source: a few seconds

# The setting that names what a source reads: mistakes are reported there. Copies are made of the training examples.
_READS = {"phrases": "path", "extra": "path", "eda": "fraction", "rephrased": "model"}

# Settings that decide what is read or how many examples it gives; others alter the examples of copies.
_DECIDING: dict[str, tuple[str, ...]] = {
    "phrases": ("path", "fraction", "min_words", "drop_neutral"),
    "extra": ("path", "fraction"),
    "eda": ("fraction", "copies", "train_limit"),
    "rephrased": (*RephrasedConfig.model_fields, "train_limit"),
}

# Which of a setting's values gives most examples.
_GIVES_MOST: dict[str, Callable[[list[Any]], Any]] = {
    "fraction": max,
    "copies": max,
    "min_words": min,
    "drop_neutral": min,
    "train_limit": lambda limits: max(limits, key=lambda limit: math.inf if limit is None else limit),
}


@dataclass(frozen=True)
class SourceRun:
    """A run that the study can make, as far as one source of one task is concerned.

    Attributes:
        source: its name in :class:`~core.config.augmentation.AugmentationConfig`.
        config: the base with this source alone.
        key: where the study file names what the source reads.
        only: whether the run has no other source for the task.
        searched: whether runs differ in how many of its examples they have.
    """

    task: str
    source: str
    config: RunConfig
    key: tuple[str, ...]
    only: bool
    searched: bool


def source_runs(space: Space, base: RunConfig) -> list[SourceRun]:
    """Return runs of the base and the space that together read and ask all that any trial does, each once.

    A language model is asked again for every combination of its settings, so all combinations are included; of the
    share, which only leaves examples out, both ends. Any other source has one run for each file: the one that gives
    most examples.

    Raises:
        StudyFileError: if a language model would have to be asked for every number of a range.
    """
    searched = {one.path: one for one in space.dimensions}
    first: dict[tuple[str, str, int | None], SourceRun] = {}
    for task in base.tasks:
        for source in _READS:
            for run in _Enumeration(space, base, searched, task, source).runs():
                settings, limit = run.config.augmentation[task], run.config.tasks[task].train_limit
                first.setdefault((task, settings.model_dump_json(), limit), run)
    return list(first.values())


@dataclass(frozen=True)
class _Enumeration:
    """Lists the runs of one source; ``searched`` has the space's settings by path."""

    space: Space
    base: RunConfig
    searched: Mapping[str, Dimension]
    task: str
    source: str

    def runs(self) -> Iterator[SourceRun]:
        values = self._values()
        if (count := math.prod(map(len, values.values()))) > _MOST_TRIED:
            longest = max(values, key=lambda path: len(values[path]))
            raise StudyFileError(
                ("space", longest),
                f"gives {count:,} combinations with others of {self._here}; at most {_MOST_TRIED:,} can be tried",
            )
        near_base = self.space.encode(self.base).params
        for chosen in product(*values.values()):
            fixed = {**near_base, **dict(zip(values, chosen, strict=True))}
            tree = self.space.propose(RandomDraws(np.random.default_rng(0), fixed), self.base).tree
            section, limit = tree["augmentation"][self.task], tree["tasks"][self.task]["train_limit"]
            run = self._run(section, limit, fixed.get(VARIANT))
            if run is not None:
                yield run

    @property
    def _here(self) -> str:
        return f"augmentation.{self.task}.{self.source}"

    @property
    def _own(self) -> list[str]:
        """Paths of searched settings that decide what the source reads."""
        folders = {"train_limit": f"tasks.{self.task}"}
        paths = [f"{folders.get(name, self._here)}.{name}" for name in _DECIDING[self.source]]
        return [path for path in paths if path in self.searched]

    @property
    def _is_searched(self) -> bool:
        variants = self.searched.get(VARIANT)
        differing = set() if variants is None else variants.distribution.settings(VARIANT)
        return bool(self._own) or any(setting.startswith(f"{self._here}.") for setting in differing)

    def _values(self) -> dict[str, list[Any]]:
        """Return the values to try of these settings, and of those that their conditions look at."""
        values = {path: self._values_to_read(path) for path in self._own}
        waiting = list(values)
        if VARIANT in self.searched:  # any of the variants may have the source
            values[VARIANT] = self.searched[VARIANT].distribution.listed() or []
        while waiting:
            for rule in self.searched[waiting.pop()].when:
                if (parent := self.searched.get(rule.path)) is None:
                    continue
                if rule.path not in values:
                    values[rule.path] = [value for _, value in parent.distribution.probes(rule.path)]
                    waiting.append(rule.path)
                # A value with which the condition holds may lie between the ends.
                values[rule.path] += parent.distribution.meeting(rule)
        return {path: list(dict.fromkeys(tried)) for path, tried in values.items()}

    def _values_to_read(self, path: str) -> list[Any]:
        distribution, name = self.searched[path].distribution, path.rpartition(".")[2]
        ends = [value for _, value in distribution.probes(path)]
        if self.source != "rephrased":
            return [_GIVES_MOST[name](ends)] if name in _GIVES_MOST else ends
        if name == "fraction":
            return ends
        if (every := distribution.listed()) is None:
            what = "a language model is asked before the study for every value: give choices instead of a range"
            raise StudyFileError(("space", path), what)
        return every

    def _run(self, section: dict[str, Any], limit: int | None, variant: str | None) -> SourceRun | None:
        """Return the run with these settings of the task; None if it is invalid or does not have the source."""
        base, task, source = self.base, self.task, self.source
        try:
            settings = AugmentationConfig.model_validate(section)
            check_augmentation(task, settings, base.tasks[task].spec)
        except ValueError:
            return None
        if source not in settings.sources:
            return None
        alone = AugmentationConfig.model_validate({source: settings.sources[source]})
        tasks = {**base.tasks, task: base.tasks[task].model_copy(update={"train_limit": limit})}
        config = base.model_copy(update={"tasks": tasks, "augmentation": {**base.augmentation, task: alone}})
        key = self._key(getattr(settings.sources[source], _READS[source]), variant)
        return SourceRun(task, source, config, key, len(settings.sources) == 1, self._is_searched)

    def _key(self, value: object, variant: str | None) -> tuple[str, ...]:
        path = f"{self._here}.{_READS[self.source]}"
        if variant is not None:
            return ("variants", variant, *path.split("."))
        if path in self.searched:
            for key, probe in self.searched[path].distribution.probes(path):
                if probe == value:
                    return key
        return ("base", *path.split("."))

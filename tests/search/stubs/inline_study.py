"""A study on the inline executor, and other specifications than the stub study's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from inline_executor import InlineExecutor
from memory_storage import MemoryStorage
from optuna.trial import FrozenTrial
from stub_study import BASE, SPEC

from core.config import RunConfig
from search.driver.driver import Driver
from search.driver.events import Event
from search.samplers.registry import SamplerChoice
from search.space.parsing import parse_space
from search.space.space import Dimension, Space
from search.space.variants import VARIANT, Variants
from search.study.first_trials import default_trial
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders
from search.trials.record import TrialRecord


def searching(name: str, table: dict[str, Any], base: RunConfig = BASE, **changes: Any) -> StudySpec:
    """Return a study of this space, whose file has its name."""
    space = parse_space(table, base)
    first = default_trial(space, base)
    return replace(SPEC, name=name, source=Path(f"{name}.toml"), base=base, space=space, first_trials=first, **changes)


def comparing() -> StudySpec:
    """Return a study of variants."""
    two = {"a": BASE, "b": BASE.model_copy(update={"optim": BASE.optim.model_copy(update={"learning_rate": 2e-5})})}
    space = Space((Dimension(VARIANT, Variants.of(two)),))
    first = default_trial(space, BASE)
    return replace(SPEC, name="variants", source=Path("variants.toml"), space=space, first_trials=first, trials=1)


class InlineStudy:
    """A study that is trained in this thread."""

    def __init__(self, root: Path, spec: StudySpec, storage: MemoryStorage | None = None, **executor: Any) -> None:
        self.spec, self.folders = spec, TrialFolders(root / spec.name)
        self.storage = MemoryStorage() if storage is None else storage
        self.executor = InlineExecutor(**executor)
        self.events: list[Event] = []

    def run(self) -> InlineStudy:
        driver = Driver(self.spec, self.storage, self.executor, self.folders.root)
        assert driver.run([self.events.append]).finished
        return self

    @property
    def study(self) -> optuna.Study:
        return optuna.load_study(study_name=self.spec.name, storage=self.storage)

    @property
    def trials(self) -> list[FrozenTrial]:
        return self.study.trials

    @property
    def records(self) -> list[TrialRecord]:
        return [TrialRecord.read(trial) for trial in self.trials]

    def digests(self) -> list[str]:
        return [record.config.digest for record in self.records if record.config is not None]


TPE = SamplerChoice("tpe", {"n_startup_trials": 3, "n_ei_candidates": 4})


def layers(most: int) -> Space:
    return parse_space({"heads.sst.layers": {"low": 1, "high": most}}, BASE)

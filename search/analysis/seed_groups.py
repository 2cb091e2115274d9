"""Configurations that a study compares, each with its replicates: trials that differ in their seed only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from search.recorded.space import searched_settings, stored_space
from search.space.space import Space
from search.space.variants import VARIANT
from search.trials.record import ROLE, FinishedTrial, TrialRecord

__all__ = ["Configuration", "StudyOfSeeds"]

_SEED = "seed"
_STATES = {TrialState.PRUNED: "pruned", TrialState.FAIL: "failed", TrialState.RUNNING: "running"}


@dataclass(frozen=True)
class Configuration:
    """Finished trials of the same settings.

    Attributes:
        settings: the searched ones but the seed, as people read them.
        records: one for each seed, by number.
        repeats: numbers of trials that repeat one of these seeds. Runs are deterministic: such a trial says nothing
            new, and as a replicate it would make the spread over seeds look small.
    """

    settings: dict[str, object]
    records: tuple[FinishedTrial, ...]
    repeats: tuple[int, ...]

    @classmethod
    def of(cls, settings: dict[str, object], records: Sequence[FinishedTrial]) -> Configuration:
        """Make a configuration from its trials, by number, including repeated ones."""
        by_seed: dict[int, FinishedTrial] = {}
        for record in records:
            by_seed.setdefault(record.config.seed, record)
        kept = tuple(by_seed.values())
        return cls(settings, kept, tuple(record.number for record in records if record not in kept))

    @property
    def trials(self) -> tuple[int, ...]:
        """Numbers of the trials that count."""
        return tuple(record.number for record in self.records)


@dataclass(frozen=True)
class StudyOfSeeds:
    """A study that compares: it has variants, or searches the seed, alone or beside other settings.

    Attributes:
        configurations: those with a finished trial, in the order of their first one.
        default: which of them is the study's default configuration; None if it is not among them.
        unfinished: numbers of the trials that did not finish, by what became of them: pruned, failed or running.
    """

    configurations: tuple[Configuration, ...]
    default: int | None
    unfinished: dict[str, tuple[int, ...]]

    @classmethod
    def read(cls, study: optuna.Study) -> StudyOfSeeds | None:
        """Read a study; None if it has neither variants nor seeds, or no finished trial."""
        trials = study.get_trials(deepcopy=False)
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if not complete or not {_SEED, VARIANT} & set(searched_settings(study)):
            return None
        finished = [FinishedTrial.read(trial) for trial in complete]
        space = stored_space(study, finished[0].config)
        groups: dict[str, list[FinishedTrial]] = {}
        for record in finished:
            groups.setdefault(json.dumps(_settings(record.config, space)), []).append(record)
        default = {json.dumps(_settings(config, space)) for config in _default_configs(trials)}
        unfinished = {
            word: tuple(trial.number for trial in trials if trial.state == state) for state, word in _STATES.items()
        }
        return cls(
            tuple(Configuration.of(_settings(group[0].config, space), group) for group in groups.values()),
            next((index for index, key in enumerate(groups) if key in default), None),
            {word: numbers for word, numbers in unfinished.items() if numbers},
        )

    def holding(self, trial: int) -> int | None:
        """Return the index of a trial's configuration; None for a trial that did not finish."""
        for index, one in enumerate(self.configurations):
            if trial in (*one.trials, *one.repeats):
                return index
        return None


def _settings(config: RunConfig, space: Space) -> dict[str, object]:
    return {path: value for path, value in space.chosen(config).items() if path != _SEED}


def _default_configs(trials: Sequence[FrozenTrial]) -> list[RunConfig]:
    """Return the default configuration, however its own trial ended: other seeds of it may have finished."""
    records = (TrialRecord.read(trial) for trial in trials if trial.user_attrs.get(ROLE) == "default")
    return [record.config for record in records if record.config is not None]

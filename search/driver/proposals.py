"""Proposals: the trials of a study that are to be trained, those left by an earlier driver first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import Trial

from core.config import RunConfig
from data.errors import UserError
from search.driver.duplicates import Repeats
from search.driver.running_trial import RunningTrial
from search.samplers.registry import draws_anew, make_sampler, random_sampler
from search.storage import optuna_internals as optuna_trials
from search.storage.errors import StorageError
from search.storage.optuna_internals import Redraws
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders
from search.trials.record import CONFIG

__all__ = ["Proposals"]

_OWN_REDRAWS = 10  # by the study's sampler, of a proposal that repeats an earlier trial
_RANDOM_REDRAWS = 30  # after those, uniformly from the space


@dataclass(frozen=True)
class Proposals:
    """Makes trials; every one has its own sampler, seeded by its number, so that no history but the study's counts.

    Attributes:
        spec: what is searched.
        study: where it is recorded.
        folders: where the trials leave their artifacts.
        repeats: knows the configurations of all begun trials, and is told those of new ones. A proposal that repeats
            one is drawn again; what still repeats, because its parameters were given or nothing else is left, is
            for the driver not to train.
    """

    spec: StudySpec
    study: optuna.Study
    folders: TrialFolders
    repeats: Repeats

    def ask(self) -> RunningTrial:
        """A new trial; it has a ``defect`` when its parameters give no valid run."""
        number = optuna_trials.next_number(self.study)
        sampler = self._sampler(number)
        redraws, begin = self._redraws(number, sampler), partial(self._begin, sampler)
        return optuna_trials.ask(self.study, sampler, self._suggest, begin, redraws)

    def take_up(self, number: int) -> RunningTrial:
        """A trial that an earlier driver left RUNNING."""
        sampler = self._sampler(number)
        redraws, go_on = self._redraws(number, sampler), partial(self._go_on, sampler)
        return optuna_trials.take_up(self.study, number, sampler, self._suggest, go_on, redraws)

    def _go_on(self, sampler: BaseSampler, trial: Trial, suggested: tuple[RunConfig, str]) -> RunningTrial:
        stored, number = trial.user_attrs.get(CONFIG), trial.number
        if stored is None:
            return self._begin(sampler, trial, suggested)
        config, defect = suggested
        # Where the data lies may have changed since. What it is computed with may too, but not for a begun trial.
        config = config.model_copy(update={"compute": RunConfig.model_validate_json(stored).compute})
        self.folders.write_config(number, config)
        folder, floors = self.folders.path(number), self.spec.floors
        return RunningTrial(trial, sampler, config, folder, resumed=True, defect=defect, floors=floors)

    def _suggest(self, trial: Trial) -> tuple[RunConfig, str]:
        """The trial's configuration, or else the base and what is wrong with the trial."""
        try:
            return self.spec.space.suggest(trial, self.spec.base), ""
        except StorageError:  # no fault of the parameters
            raise
        except UserError as error:
            return self.spec.base, str(error)

    def _begin(self, sampler: BaseSampler, trial: Trial, suggested: tuple[RunConfig, str]) -> RunningTrial:
        config, defect = suggested
        folder = self.folders.begin(trial.number, config)
        trial.set_user_attr(CONFIG, config.canonical_json())  # last: from here on the trial is resumed, not begun
        self.repeats.add(trial.number, config)
        return RunningTrial(trial, sampler, config, folder, defect=defect, floors=self.spec.floors)

    def _redraws(self, number: int, sampler: BaseSampler) -> Redraws[tuple[RunConfig, str]] | None:
        def wanted(suggested: tuple[RunConfig, str]) -> bool:
            config, defect = suggested
            return bool(defect) or self.repeats.original(number, config) is None

        return Redraws(wanted, self._other_samplers(number)) if draws_anew(sampler) else None

    def _other_samplers(self, number: int) -> Iterator[BaseSampler]:
        yield from (self._sampler(number, attempt) for attempt in range(1, _OWN_REDRAWS + 1))
        attempts = range(_OWN_REDRAWS + 1, _OWN_REDRAWS + _RANDOM_REDRAWS + 1)
        yield from (random_sampler(self.spec.seed, number, attempt) for attempt in attempts)

    def _sampler(self, number: int, attempt: int = 0) -> BaseSampler:
        return make_sampler(self.spec.sampler, self.spec.seed, number, self.spec.space, attempt)

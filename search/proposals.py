"""Proposals: the trials of a study that are to be trained, those left by an earlier driver first."""

from __future__ import annotations

from dataclasses import dataclass

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import Trial

from core.config import RunConfig
from data.errors import UserError
from search import optuna_trials
from search.running_trial import RunningTrial
from search.samplers import make_sampler
from search.study_spec import StudySpec
from search.trial_folders import TrialFolders
from search.trial_record import CONFIG

__all__ = ["Proposals"]


@dataclass(frozen=True)
class Proposals:
    """Makes trials; every one has its own sampler, seeded by its number, so that no history but the study's counts.

    Attributes:
        spec: what is searched.
        study: where it is recorded.
        folders: where the trials leave their artifacts.
    """

    spec: StudySpec
    study: optuna.Study
    folders: TrialFolders

    def ask(self) -> RunningTrial:
        """A new trial; it has a ``defect`` when its parameters give no valid run."""
        sampler = self._sampler(optuna_trials.next_number(self.study))
        trial, (config, defect) = optuna_trials.ask(self.study, sampler, self._suggest)
        return self._begin(trial, sampler, config, defect)

    def take_up(self, number: int) -> RunningTrial:
        """A trial that an earlier driver left RUNNING."""
        sampler = self._sampler(number)
        trial, (config, defect) = optuna_trials.take_up(self.study, number, sampler, self._suggest)
        stored = trial.user_attrs.get(CONFIG)
        if stored is None:
            return self._begin(trial, sampler, config, defect)
        # Where the data lies may have changed since. What it is computed with may too, but not for a begun trial.
        config = config.model_copy(update={"compute": RunConfig.model_validate_json(stored).compute})
        self.folders.write_config(number, config)
        folder, floors = self.folders.path(number), self.spec.floors
        return RunningTrial(trial, sampler, config, folder, resumed=True, defect=defect, floors=floors)

    def _suggest(self, trial: Trial) -> tuple[RunConfig, str]:
        """The trial's configuration, or else the base and what is wrong with the trial."""
        try:
            return self.spec.space.suggest(trial, self.spec.base), ""
        except UserError as error:
            return self.spec.base, str(error)

    def _begin(self, trial: Trial, sampler: BaseSampler, config: RunConfig, defect: str) -> RunningTrial:
        folder = self.folders.begin(trial.number, config)
        trial.set_user_attr(CONFIG, config.canonical_json())  # last: from here on the trial is resumed, not begun
        return RunningTrial(trial, sampler, config, folder, defect=defect, floors=self.spec.floors)

    def _sampler(self, number: int) -> BaseSampler:
        return make_sampler(self.spec.sampler, self.spec.seed, number, self.spec.space)

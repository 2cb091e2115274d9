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
        number = optuna_trials.next_number(self.study)
        sampler = self._sampler(number)
        return self._begin(optuna_trials.ask(self.study, sampler), sampler)

    def take_up(self, number: int) -> RunningTrial:
        """A trial that an earlier driver left RUNNING."""
        sampler = self._sampler(number)
        stored = self.study.get_trials(deepcopy=False)[number].user_attrs.get(CONFIG)
        if stored is None:
            return self._begin(optuna_trials.propose_again(self.study, number, sampler), sampler)
        trial = optuna_trials.take_up(self.study, number)
        # Where the data lies may have changed since. What it is computed with may too, but not for a begun trial.
        compute = RunConfig.model_validate_json(stored).compute
        config = self.spec.space.suggest(trial, self.spec.base).model_copy(update={"compute": compute})
        self.folders.write_config(number, config)
        return RunningTrial(trial, sampler, config, self.folders.path(number), resumed=True)

    def _begin(self, trial: Trial, sampler: BaseSampler) -> RunningTrial:
        defect, config = "", self.spec.base
        try:
            config = self.spec.space.suggest(trial, self.spec.base)
        except UserError as error:
            defect = str(error)
        folder = self.folders.begin(trial.number, config)
        trial.set_user_attr(CONFIG, config.canonical_json())  # last: from here on the trial is resumed, not begun
        return RunningTrial(trial, sampler, config, folder, defect=defect)

    def _sampler(self, number: int) -> BaseSampler:
        return make_sampler(self.spec.sampler, self.spec.seed, number, self.spec.space)

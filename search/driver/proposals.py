"""Propose new trials that duplicate none, and resume those that an earlier driver left running."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from core.config import RunConfig
from core.config.run import stored_digest
from core.inputs.data_content import DataContent
from core.model_files.encoder_content import EncoderContent
from data.errors import UserError
from search.driver.running_trial import RunningTrial
from search.parsing.named_choice import reported_as_users
from search.samplers.registry import SamplerChoice, can_redraw, make_sampler
from search.storage import optuna_internals
from search.storage.errors import StorageError
from search.storage.optuna_internals import RedrawPolicy
from search.study.encoder_names import with_present_encoder
from search.study.spec import StudySpec
from search.trials.floors import Floor
from search.trials.folders import TrialFolders
from search.trials.record import CONFIG, TrialResult, stored_config

__all__ = ["Duplicates", "Proposals"]

_OWN_REDRAWS = 10  # by the study's sampler, of a proposal that duplicates an earlier trial
_RANDOM_REDRAWS = 30  # after those, uniformly from the space


class Duplicates:
    """Track the configurations of all started trials, and find the one that a new trial would duplicate.

    Runs are deterministic: the same RunConfig gives the same curve. A trial can only duplicate trials with lower
    numbers, and they start in this order: after a crash, too, it is clear which of two equal trials is to be trained.

    Args:
        study: its started trials are read once, here.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._numbers: dict[str, set[int]] = defaultdict(set)  # by digest
        for trial in study.get_trials(deepcopy=False):
            if CONFIG in trial.user_attrs:
                self._numbers[stored_digest(trial.user_attrs[CONFIG])].add(trial.number)

    def add(self, number: int, config: RunConfig) -> None:
        """Note that trial ``number`` has started with this configuration."""
        self._numbers[config.digest].add(number)

    def original(self, number: int, config: RunConfig) -> FrozenTrial | None:
        """Return the first trial before ``number`` with this configuration, or None.

        Complete, pruned and running trials count; the configuration of a failed trial may be tried again.
        """
        earlier = sorted(other for other in self._numbers[config.digest] if other < number)
        if not earlier:
            return None
        trials = self._study.get_trials(deepcopy=False)
        return next((trials[other] for other in earlier if trials[other].state != TrialState.FAIL), None)


@dataclass(frozen=True)
class Proposals:
    """Make trials. Each has its own sampler, seeded by its number, so that it depends on the study's history alone.

    Attributes:
        spec: what is searched.
        study: where it is recorded.
        folders: where the trials leave their artifacts.
        duplicates: knows the configurations of all started trials, and gets those of new ones. A proposal that
            duplicates one is drawn again. It may remain a duplicate, because its parameters were given or nothing else
            is left; the driver does not train it then.
        encoders: content of the study's encoders by name, as far as it is known; a trial is trained from nothing else.
        data: content of the study's data, likewise; None: unknown.
    """

    spec: StudySpec
    study: optuna.Study
    folders: TrialFolders
    duplicates: Duplicates
    encoders: Mapping[str, EncoderContent] = field(default_factory=dict)
    data: DataContent | None = None

    def ask(self) -> RunningTrial:
        """Return a new trial; it has a ``defect`` if its parameters give no valid run."""
        number = optuna_internals.next_number(self.study)
        sampler = self._sampler(number)
        redraws, begin = self._redraws(number, sampler), partial(self._begin, sampler)
        with reported_as_users(self.spec.sampler, "sampler"):
            running = optuna_internals.ask(self.study, sampler, self._suggest, begin, redraws)
        return self._placed(running, is_new=True)

    def resume(self, number: int) -> RunningTrial:
        """Return a trial that an earlier driver left RUNNING; begin it if that driver died before it could."""
        sampler = self._sampler(number)
        if CONFIG in self.study.get_trials(deepcopy=False)[number].user_attrs:
            return self._resume(sampler, optuna_internals.resume(self.study, number))
        redraws, begin = self._redraws(number, sampler), partial(self._begin, sampler)
        with reported_as_users(self.spec.sampler, "sampler"):
            running = optuna_internals.ask(self.study, sampler, self._suggest, begin, redraws, number)
        return self._placed(running, is_new=True)

    def _placed(self, running: RunningTrial, *, is_new: bool) -> RunningTrial:
        """Note where the trial's runs save their files; not in a transaction, as a store may not answer for minutes."""
        running.url = self.folders.url_for_runs(running.number, is_new=is_new)
        return running

    def revive(self, number: int) -> RunningTrial:
        """Return a pruned trial that continues from its checkpoint, as if it had not been pruned."""
        optuna_internals.reopen(self.study, number, TrialResult.__dataclass_fields__)
        running = self.resume(number)
        running.revived = True
        return running

    def _resume(self, sampler: BaseSampler, trial: Trial) -> RunningTrial:
        number = trial.number
        config, defect = self._suggest(trial)
        # The data may have moved since then. A started trial keeps its device, threads and precision.
        stored = stored_config(trial)
        config = config.model_copy(update={"compute": stored.compute})
        is_begun = self.folders.is_begun(number)
        if is_begun:
            self.folders.resume(number, config, self.data)
        else:
            self.folders.begin(number, config, self.encoders.get(config.model.encoder), self.data)
        folder, floors = self.folders.path(number), self._floors(config)
        running = RunningTrial(trial, sampler, config, folder, resumed=True, defect=defect, floors=floors)
        return self._placed(running, is_new=not is_begun)

    def _floors(self, config: RunConfig) -> tuple[Floor, ...]:
        return tuple(floor.in_run(config) for floor in self.spec.floors)

    def _suggest(self, trial: Trial) -> tuple[RunConfig, str]:
        """Return the trial's configuration; if it has no valid one, the base and what is wrong."""
        try:
            config = self.spec.space.suggest(trial, self.spec.base)
            return with_present_encoder(config, self.spec.encoder_folders), ""
        except StorageError:  # not the parameters' fault
            raise
        except UserError as error:
            return self.spec.base, str(error)

    def _begin(self, sampler: BaseSampler, trial: Trial, suggested: tuple[RunConfig, str]) -> RunningTrial:
        config, defect = suggested
        folder = self.folders.begin(trial.number, config, self.encoders.get(config.model.encoder), self.data)
        trial.set_user_attr(CONFIG, config.canonical_json())  # last: from here on, a new driver resumes the trial
        self.duplicates.add(trial.number, config)
        return RunningTrial(trial, sampler, config, folder, defect=defect, floors=self._floors(config))

    def _redraws(self, number: int, sampler: BaseSampler) -> RedrawPolicy[tuple[RunConfig, str]] | None:
        def wanted(suggested: tuple[RunConfig, str]) -> bool:
            config, defect = suggested
            return bool(defect) or self.duplicates.original(number, config) is None

        return RedrawPolicy(wanted, self._other_samplers(number)) if can_redraw(sampler) else None

    def _other_samplers(self, number: int) -> Iterator[BaseSampler]:
        yield from (self._sampler(number, attempt) for attempt in range(1, _OWN_REDRAWS + 1))
        seed, space, uniform = self.spec.seed, self.spec.space, SamplerChoice("random")
        attempts = range(_OWN_REDRAWS + 1, _OWN_REDRAWS + _RANDOM_REDRAWS + 1)
        yield from (make_sampler(uniform, seed, number, space, attempt) for attempt in attempts)

    def _sampler(self, number: int, attempt: int = 0) -> BaseSampler:
        return make_sampler(self.spec.sampler, self.spec.seed, number, self.spec.space, attempt)

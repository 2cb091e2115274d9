"""The driver: ask Optuna for trials, have an executor train them, report their scores, prune and end them.

It is the only process that writes a study. With one worker, its proposals depend on the study alone, however often it
was interrupted or killed; with several workers, also on which trial ends first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import cast

import optuna
from optuna.storages import BaseStorage

from core.run.precision_choice import PrecisionChoice
from search.driver import events
from search.driver.broken_trials import BrokenTrials
from search.driver.budget import Budget, Remaining
from search.driver.outages import InputOutages
from search.driver.panels import LivePanels
from search.driver.proposals import Duplicates, Proposals
from search.driver.retries import RetryLimits
from search.driver.settled_precision import settle_precision, with_precision
from search.driver.stop_request import Interrupts, StopRequest
from search.driver.training_loop import TrainingLoop
from search.driver.trial_end import STATES, TrialFinisher, TrialRecorder, best_so_far
from search.driver.trial_queue import TrialQueue
from search.executors.base import Executor
from search.preflight.data import write_synthetic_data
from search.preflight.study_inputs import UNKNOWN_INPUTS, StudyInputs
from search.recorded.encoders import recorded_encoders
from search.recorded.study import create_or_load, named_as_recorded
from search.recorded.study_folder import STUDY_ID
from search.storage import optuna_internals
from search.storage.file_lease import file_lease
from search.storage.rdb import DatabaseStorage
from search.storage.retrying_storage import RetryingStorage
from search.storage.storage_lease import StorageLease
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders
from search.trials.record import EndState
from search.trials.remote_study import remote_study

__all__ = ["Driver", "StudyResult"]


@dataclass(frozen=True)
class StudyResult:
    """The state of a study when its driver returned.

    Attributes:
        finished: whether the study is finished; False after an interrupt.
        counts: number of ended trials by state, including those of earlier runs.
        reason: why it is finished and how to continue; empty after an interrupt.
    """

    finished: bool
    study: optuna.Study
    counts: dict[EndState, int]
    reason: str = ""


class Driver:
    """Run one study until it is finished or interrupted.

    Args:
        storage: where it is recorded.
        executor: trains; the driver starts and stops it.
        folder: the study's own, ``runs/<study>``.
        storage_name: name of the storage for people.
        inputs: what the study trains from; it cannot be resumed with other data or encoders than it began with.
        retry_limits: how often a trial may be interrupted before it fails.
    """

    def __init__(
        self,
        spec: StudySpec,
        storage: DatabaseStorage,
        executor: Executor,
        folder: Path,
        *,
        storage_name: str = "",
        inputs: StudyInputs = UNKNOWN_INPUTS,
        retry_limits: RetryLimits = RetryLimits(),  # noqa: B008 (it is frozen)
    ) -> None:
        self._given = spec
        self._executor = executor
        self._folder = folder
        self._storage_name = storage_name
        self._inputs = inputs
        self._retry_limits = retry_limits
        self._interrupts = Interrupts(executor.wake)
        retrying = RetryingStorage(storage, storage_name, lambda: self._interrupts.count > 0)
        self._storage = cast(BaseStorage, retrying)
        self._lease = StorageLease(spec.name, retrying)
        self._remote = remote_study(folder)
        if self._remote is not None:
            self._remote.stopped = lambda: self._interrupts.count > 0
            self._remote.guard = self._lease.verify

    @cached_property
    def _spec(self) -> StudySpec:
        """The study with the names that its encoders were recorded with."""
        return named_as_recorded(self._given, self._storage, self._inputs)

    @cached_property
    def _initial_budget(self) -> Budget:
        """The budget when it was first asked for; creates the study if it is new."""
        with self._opened() as study:
            return Budget(self._spec, study)

    @contextmanager
    def _opened(self) -> Iterator[optuna.Study]:
        """Open the study with its leases."""
        with file_lease(self._folder, self._given.name), self._lease:
            yield self._open()

    def _open(self) -> optuna.Study:
        """Load the study, or create it if it is new; takes its lease."""
        return create_or_load(self._spec, self._storage, self._inputs, self._take, TrialFolders(self._folder))

    def _take(self, study: optuna.Study) -> None:
        self._lease.take(study)
        if self._remote is not None:
            self._remote.take_over()

    @cached_property
    def precision(self) -> PrecisionChoice | None:
        """The precision of the study's trials, measured once; None if the study's file names one, or it is finished.

        Raises:
            UserError: in the same cases as :meth:`run`, or this machine does not support the recorded precision.
            ExecutorError: the precision could not be measured.
        """
        if self._spec.base.compute.precision != "auto" or self.remaining.trials == 0:
            return None
        return settle_precision(self._spec, self._opened, self._executor)

    @property
    def is_new(self) -> bool:
        """Whether no trial had ended when the study was first looked at; raises the same as :attr:`remaining`."""
        return self._initial_budget.ended == 0

    @property
    def remaining(self) -> Remaining:
        """What the study could still spend when it was first looked at; creates the study if it is new.

        Raises:
            UserError: in the same cases as :meth:`run`.
        """
        return self._initial_budget.remaining

    def run(self, observers: Sequence[events.Observer] = ()) -> StudyResult:
        """Train until the study is finished, beginning with the trials that were left running.

        The first SIGINT, SIGTERM or SIGHUP lets running trials write checkpoints, the second kills them. In both cases
        they stay RUNNING in the storage, and a later call resumes them.

        Args:
            observers: notified of every event, in order, from this thread.

        Raises:
            UserError: another driver runs this study, the study in the storage is a different one, the input is
                unusable, or the machine is at fault (a full disk). Running trials write checkpoints first, and can be
                resumed.
            ExecutorError: workers cannot be started.
        """
        spec = self._spec if self.precision is None else with_precision(self._spec, self.precision)
        with file_lease(self._folder, self._given.name), self._interrupts.counted(), self._lease:
            session = _Session(
                spec,
                self._open(),
                self._executor,
                self._folder,
                inputs=self._inputs,
                storage_name=self._storage_name,
                retry_limits=self._retry_limits,
                stop=StopRequest(self._interrupts),
                lease=self._lease,
                observers=observers,
            )
            try:
                session.train()
            finally:
                self._executor.stop()
            return session.finish()


class _Session:
    """One run of a driver on an open study, from its StudyStarted event to its StudyEnded event.

    The driver holds the study's leases, and stops the executor at the end.
    """

    def __init__(
        self,
        spec: StudySpec,
        study: optuna.Study,
        executor: Executor,
        folder: Path,
        *,
        inputs: StudyInputs,
        storage_name: str,
        retry_limits: RetryLimits,
        stop: StopRequest,
        lease: StorageLease,
        observers: Sequence[events.Observer],
    ) -> None:
        self._spec = spec
        self._study = study
        self._executor = executor
        self._storage_name = storage_name
        self._stop = stop
        self._budget = Budget(spec, study)
        self._observers: tuple[events.Observer, ...] = (self._budget, *observers)
        self._folders = TrialFolders(folder, study.user_attrs.get(STUDY_ID))
        self._recorder = TrialRecorder(study, self._folders, spec.keep_models)
        self._panels = LivePanels(study, self._folders)
        duplicates = Duplicates(study)
        proposals = Proposals(spec, study, self._folders, duplicates, recorded_encoders(study.user_attrs), inputs.data)
        self._queue = TrialQueue(proposals, self._recorder.revivals, self._budget, executor.workers)
        ended = TrialFinisher(self._recorder, self._folders, self._panels, self._queue, self._notify)
        self._broken = BrokenTrials(retry_limits, self._queue, ended, stop, self._notify)
        self._loop = TrainingLoop(
            spec.space,
            executor,
            self._queue,
            duplicates,
            ended,
            self._broken,
            InputOutages(partial(write_synthetic_data, spec)),
            stop,
            lease,
            self._budget,
            self._notify,
        )

    def _notify(self, event: events.Event) -> None:
        for observer in self._observers:
            observer(event)

    def train(self) -> None:
        """Train until the study is finished or a stop is requested, beginning with the trials that were left running.

        Raises:
            UserError: a trial that was left running cannot be resumed.
            ExecutorError: workers cannot be started.
        """
        self._recorder.tidy()  # an earlier driver may have been killed before it did so
        remaining = self._budget.remaining
        resumed = [trial.number for trial in optuna_internals.running_trials(self._study)][: remaining.trials]
        self._notify(
            events.StudyStarted(
                study=self._spec.name,
                trials=self._spec.trials,
                done=self._budget.ended,
                resumed=tuple(resumed),
                workers=self._executor.workers,
                storage=self._storage_name,
                folder=self._folders.root,
                tasks=tuple(self._spec.base.tasks),
                best=best_so_far(self._study, self._folders),
                seconds_left=remaining.seconds,
                examples_left=remaining.examples,
            )
        )
        self._queue.resume(resumed)
        self._broken.inherit(resumed)
        if self._queue.is_waiting or not self._budget.stop_reason(self._budget.ended):
            self._budget.start_clock()
            self._executor.start()
            self._loop.run()

    def finish(self) -> StudyResult:
        """Update the dashboard, record the time spent and notify observers of the end.

        Raises:
            UserError: the error that stopped the study, if one did.
        """
        self._panels.draw_curves()
        self._budget.save_time(last=True)
        is_left = self._stop.is_interrupted and optuna_internals.running_trials(self._study)
        reason = "" if is_left else self._budget.stop_reason(self._budget.ended)
        finished = bool(reason)
        if finished:  # may take seconds; skipped for a user who has pressed Ctrl-C and waits for the prompt
            self._panels.draw_expected()
            self._recorder.give_up_revivals()
        states = [trial.state for trial in self._study.get_trials(deepcopy=False)]
        counts = {name: states.count(state) for state, name in STATES.items()}
        self._notify(events.StudyEnded(self._spec.name, finished, counts, reason))
        self._stop.raise_error()
        return StudyResult(finished, self._study, counts, reason)

"""The driver: asks Optuna for trials, has an executor train them, reports, prunes, tells.

It is the only process that writes a study. With one worker its proposals depend on the study alone, however often it
was interrupted or killed; with several also on which trial ends first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from core.run.evaluation import Evaluation
from data.errors import MachineError, UserError
from search.driver import events
from search.driver.budget import Ahead, Ending
from search.driver.duplicates import Repeats
from search.driver.interrupts import Interrupts
from search.driver.proposals import Proposals
from search.driver.retries import Bounds, exit_words
from search.driver.running_trial import RunningTrial
from search.driver.trial_end import Conclusions
from search.driver.trial_events import STATES, best_so_far, trial_ended, trial_repeated, trial_started
from search.executors.base import Executor
from search.executors.messages import (
    Advanced,
    Crashed,
    Died,
    Ended,
    Evaluated,
    Failed,
    Hindered,
    Message,
    OutcomeName,
    Refused,
)
from search.recorded.study import create_or_load
from search.storage import optuna_internals as optuna_trials
from search.storage.file_lease import Lease
from search.storage.patient import PatientStorage
from search.storage.storage_lease import StorageLease
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders
from search.trials.record import EndState

__all__ = ["Driver", "StudyResult"]

MEND = "mend this, and the same command goes on from here"


@dataclass(frozen=True)
class StudyResult:
    """What :meth:`Driver.run` came to.

    Attributes:
        finished: whether the study is over; False after an interrupt.
        study: for reading the trials.
        counts: ended trials by state, those of earlier runs included.
        reason: why it is over, and how to go on; empty after an interrupt.
    """

    finished: bool
    study: optuna.Study
    counts: dict[EndState, int]
    reason: str = ""


class Driver:
    """Runs one study to its end, or until it is interrupted.

    Args:
        spec: the study.
        storage: where it is recorded.
        executor: trains; the driver starts and stops it.
        folder: the study's own, ``runs/<study>``.
        storage_name: of the storage, for people to read.
        data_digest: of all data that trials may read; a study is refused other data than it began with. None: not
            checked.
        splits_digest: of the tasks' own files, for those who use the study later.
        bounds: how often a trial may break off before it fails.
    """

    def __init__(
        self,
        spec: StudySpec,
        storage: BaseStorage,
        executor: Executor,
        folder: Path,
        *,
        storage_name: str = "",
        data_digest: str | None = None,
        splits_digest: str | None = None,
        bounds: Bounds = Bounds(),  # noqa: B008 (it is frozen)
    ) -> None:
        self._spec = spec
        self._interrupts = Interrupts(executor.wake)
        patient = PatientStorage(storage, storage_name, lambda: self._interrupts.count > 0)
        self._lease = StorageLease(spec.name, patient)
        self._storage = cast(BaseStorage, patient)
        self._executor = executor
        self._observers: Sequence[events.Observer] = ()
        self._folder = folder
        self._storage_name = storage_name
        self._digests = data_digest, splits_digest
        self._bounds = bounds
        self._waiting: deque[RunningTrial] = deque()  # begun before, to be trained on
        self._inherited: set[int] = set()  # of these, what an earlier driver left
        self._held: list[RunningTrial] = []  # the same as a running one, whose end they wait for
        self._running: dict[int, RunningTrial] = {}
        self._refusal: UserError | None = None  # what ends the study before its time
        self._has_scored = False  # whether a run of this driver passed a rung
        self._leaving = False

    @cached_property
    def _at_first(self) -> Ending:
        """The study's state when this was first asked; creates it if it is new.

        Raises:
            UserError: as :meth:`run`.
        """
        with Lease(self._folder, self._spec.name), self._lease:
            return Ending(self._spec, create_or_load(self._spec, self._storage, *self._digests, self._lease.take))

    @property
    def is_new(self) -> bool:
        """Whether no trial had ended when the study was first looked at; raises as :attr:`ahead`."""
        return self._at_first.ended == 0

    @property
    def ahead(self) -> Ahead:
        """What was still to be spent when the study was first looked at; creates it if it is new.

        Raises:
            UserError: as :meth:`run`.
        """
        return self._at_first.ahead

    def run(self, observers: Sequence[events.Observer] = ()) -> StudyResult:
        """Train until the study is over, first the trials that were left running.

        The first SIGINT or SIGTERM lets running trials write a checkpoint, the second kills them; either way they stay
        RUNNING in the storage and a later call goes on with them.

        Args:
            observers: told every event, in order, from this thread.

        Raises:
            UserError: another driver runs this study, the study in the storage is another one, the input is unusable,
                or the machine at fault (a full disk); running trials save themselves first, and can be resumed.
            ExecutorError: workers cannot be started.
        """
        with Lease(self._folder, self._spec.name), self._interrupts, self._lease:
            self._study = create_or_load(self._spec, self._storage, *self._digests, self._lease.take)
            self._ending = Ending(self._spec, self._study)
            self._observers = (self._ending, *observers)
            folders = TrialFolders(self._folder)
            self._repeats = Repeats(self._study)
            self._proposals = Proposals(self._spec, self._study, folders, self._repeats)
            self._conclusions = Conclusions(self._study, folders, self._spec.keep_models)
            try:
                self._resume()
                if self._waiting or not self._ending.reason(self._ended):
                    self._ending.begin()
                    self._executor.start()
                    self._train()
            finally:
                self._executor.stop()
            return self._close()

    def _resume(self) -> None:
        self._conclusions.tidy()  # an earlier driver may have been killed before it could
        self._ended = sum(_counts(self._study).values())
        left = [trial.number for trial in optuna_trials.running_trials(self._study)]
        ahead = self._ending.ahead
        resumed = left[: ahead.trials]
        self._tell_observers(
            events.StudyStarted(
                study=self._spec.name,
                trials=self._spec.trials,
                done=self._ended,
                resumed=tuple(resumed),
                workers=self._executor.workers,
                storage=self._storage_name,
                folder=self._folder,
                tasks=tuple(self._spec.base.tasks),
                best=best_so_far(self._study, TrialFolders(self._folder)),
                seconds_left=ahead.seconds,
                examples_left=ahead.examples,
            )
        )
        self._waiting.extend(self._proposals.take_up(number) for number in resumed)
        self._inherited.update(resumed)

    def _train(self) -> None:
        while self._interrupts.count < 2:
            if not self._stopping:
                with self._halting_on_errors():
                    self._fill()
            if self._stopping and not self._leaving:
                self._leaving = True
                self._executor.interrupt()
            if not self._running and (self._stopping or self._executor.idle):
                return  # otherwise the only worker is being replaced
            for message in self._executor.events(self._lease.due_seconds):
                with self._halting_on_errors():
                    self._handle(message)
            self._lease.beat()
            self._ending.beat()

    @contextmanager
    def _halting_on_errors(self) -> Iterator[None]:
        """What ends the study while trials run lets these write a checkpoint first."""
        try:
            yield
        except UserError as error:
            self._halt(error)

    def _halt(self, error: UserError) -> None:
        """Stop as on an interrupt; the first error is raised when all runs have ended."""
        if self._refusal is None:
            self._refusal = MachineError(f"{error}; {MEND}") if isinstance(error, MachineError) else error

    @property
    def _stopping(self) -> bool:
        return self._interrupts.count > 0 or self._refusal is not None

    def _fill(self) -> None:
        while not self._stopping and self._executor.idle and (running := self._next()) is not None:
            if running.number in self._inherited:
                self._inherited.discard(running.number)
                running.defect = running.defect or running.setbacks.loss(running.last_rung, self._bounds)
            original = self._repeats.original(running.number, running.config)
            if running.defect:
                self._end(running, TrialState.FAIL, running.defect)
            elif original is None:
                self._submit(running)
            elif original.state.is_finished():
                self._repeat(running, original)
            else:
                self._held.append(running)

    def _next(self) -> RunningTrial | None:
        if self._waiting:
            return self._waiting.popleft()
        # Where proposals only repeat what is running, more of them would do the same.
        if len(self._held) >= self._executor.workers or self._ending.reason(self._ended + self._begun):
            return None
        return self._proposals.ask()

    @property
    def _begun(self) -> int:
        return len(self._running) + len(self._held)

    def _submit(self, running: RunningTrial) -> None:
        self._running[running.number] = running
        worker = self._executor.submit(running.job)
        self._tell_observers(trial_started(running, self._spec.space, worker))

    def _handle(self, message: Message) -> None:
        match message:
            case Advanced(number, examples):
                self._tell_observers(events.TrialAdvanced(number, examples))
            case Evaluated(number, evaluation):
                self._judge(self._running[number], evaluation)
            case Ended(number, outcome):
                self._close_run(self._running.pop(number), outcome)
            case Crashed(number, reason):
                self._crashed(self._running.pop(number), reason)
            case Hindered(number, reason):
                self._halt(MachineError(reason))
                self._lay_aside(self._running.pop(number))
            case Refused(int(number), reason):
                self._refused(self._running.pop(number), reason)
            case Failed(int(number), reason):
                self._end(self._running.pop(number), TrialState.FAIL, reason)
            case Died():
                self._died(message)

    def _judge(self, running: RunningTrial, evaluation: Evaluation) -> None:
        self._has_scored = True
        is_new = not running.knows(evaluation)
        try:
            go_on = running.judge(evaluation)
        except UserError:
            # Its worker waits for an answer, its checkpoint written, until it is stopped.
            del self._running[running.number]
            raise
        self._executor.decide(running.number, go_on)
        if is_new:
            self._tell_observers(events.TrialEvaluated(running.number, evaluation))

    def _close_run(self, running: RunningTrial, outcome: OutcomeName) -> None:
        if running.defect:
            self._end(running, TrialState.FAIL, running.defect)
        elif outcome == "pruned":
            self._end(running, TrialState.PRUNED, running.pruned_because)
        elif outcome == "finished" and running.best is not None:
            self._end(running, TrialState.COMPLETE, running.no_winner_because)
        elif outcome == "finished":
            self._end(running, TrialState.FAIL, "the run ended without an evaluation")
        else:
            self._lay_aside(running)

    def _lay_aside(self, running: RunningTrial) -> None:
        """Leave the trial to the next driver."""
        running.setbacks.orderly_stop(running.last_rung)

    def _refused(self, running: RunningTrial, reason: str) -> None:
        """Unusable input fails the trial, or, before any trial went well, the study: all others would meet it too."""
        if self._has_scored:
            self._end(running, TrialState.FAIL, reason)
        else:
            self._halt(UserError(reason))
            self._lay_aside(running)

    def _died(self, death: Died) -> None:
        running = self._running.pop(death.number, None) if death.number is not None else None
        if self._stopping:  # killed while loading, or a loss that the next driver makes up for
            if running is not None:
                self._lay_aside(running)
            return
        failure = ""
        if running is not None:
            cause = f"its worker {exit_words(death.exit_code)}"
            failure = running.setbacks.crash(running.last_rung, cause, self._bounds)
        retried = running is not None and not failure
        number = running.number if running is not None else None
        self._tell_observers(events.WorkerDied(death.worker, number, death.exit_code, retried))
        if running is not None:
            self._begin_again(running, failure)

    def _crashed(self, running: RunningTrial, reason: str) -> None:
        if self._stopping:
            self._lay_aside(running)
            return
        failure = running.setbacks.crash(running.last_rung, reason, self._bounds)
        if not failure:
            self._tell_observers(events.TrialRetried(running.number, reason))
        self._begin_again(running, failure)

    def _begin_again(self, running: RunningTrial, failure: str) -> None:
        """On a fresh worker, from the checkpoint, before anything else; or not, for this reason."""
        if failure:
            self._end(running, TrialState.FAIL, failure)
        else:
            running.resumed = True
            self._waiting.appendleft(running)

    def _end(self, running: RunningTrial, state: TrialState, reason: str) -> None:
        value = self._conclusions.end(running, state, reason)
        self._count_ended()
        self._tell_observers(trial_ended(running, state, value, reason))

    def _repeat(self, running: RunningTrial, original: FrozenTrial) -> None:
        """End the trial as the same run ended before."""
        result = self._conclusions.repeat(running, original)
        self._count_ended()
        curve = TrialFolders(self._folder).curve(running.number)
        self._tell_observers(trial_repeated(running, original, result, curve))

    def _count_ended(self) -> None:
        self._ended += 1
        self._waiting.extendleft(reversed(self._held))  # what each of them waited for may have ended
        self._held.clear()

    def _close(self) -> StudyResult:
        self._conclusions.panels.draw_curves()
        self._ending.beat(last=True)
        is_left = self._interrupts.count and optuna_trials.running_trials(self._study)
        reason = "" if is_left else self._ending.reason(self._ended)
        finished = bool(reason)
        if finished:  # it may take seconds: not for somebody who waits for the prompt
            self._conclusions.panels.draw_expected()
        counts = _counts(self._study)
        self._tell_observers(events.StudyEnded(self._spec.name, finished, counts, reason))
        if self._refusal is not None:
            raise self._refusal
        return StudyResult(finished, self._study, counts, reason)

    def _tell_observers(self, event: events.Event) -> None:
        for observer in self._observers:
            observer(event)


def _counts(study: optuna.Study) -> dict[EndState, int]:
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    return {name: states.count(state) for state, name in STATES.items()}

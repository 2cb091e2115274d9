"""One run of a driver on an open study, from its StudyStarted event to its StudyEnded event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna

from search.driver import events
from search.driver.broken_trials import BrokenTrials
from search.driver.budget import Budget
from search.driver.duplicates import Duplicates
from search.driver.panels import LivePanels
from search.driver.proposals import Proposals
from search.driver.retries import RetryLimits
from search.driver.stop_request import StopRequest
from search.driver.training_loop import TrainingLoop
from search.driver.trial_end import STATES, EndedTrials, TrialRecorder, best_so_far
from search.driver.trial_queue import TrialQueue
from search.executors.base import Executor
from search.storage import optuna_internals
from search.storage.storage_lease import StorageLease
from search.study.spec import StudySpec
from search.trials.folders import TrialFolders
from search.trials.record import EndState

__all__ = ["StudyResult", "StudySession"]


@dataclass(frozen=True)
class StudyResult:
    """The state of a study when its driver returned.

    Attributes:
        finished: whether the study is finished; False after an interrupt.
        study: for reading the trials.
        counts: number of ended trials by state, including those of earlier runs.
        reason: why it is finished and how to continue; empty after an interrupt.
    """

    finished: bool
    study: optuna.Study
    counts: dict[EndState, int]
    reason: str = ""


class StudySession:
    """Train an open study. The caller holds its leases, and stops the executor at the end.

    Args: those of :class:`search.driver.driver.Driver`, and
        study: the recorded study.
        stop: requested by the user or by an error.
        lease: of the study in its storage, taken.
        observers: notified of every event, in order.
    """

    def __init__(
        self,
        spec: StudySpec,
        study: optuna.Study,
        executor: Executor,
        folder: Path,
        *,
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
        self._notify = events.Observers((self._budget, *observers))
        self._folders = TrialFolders(folder)
        self._recorder = TrialRecorder(study, self._folders, spec.keep_models)
        self._panels = LivePanels(study, self._folders)
        duplicates = Duplicates(study)
        proposals = Proposals(spec, study, self._folders, duplicates)
        self._queue = TrialQueue(proposals, self._budget, executor.workers)
        ended = EndedTrials(self._recorder, self._folders, self._panels, self._queue, self._notify)
        self._broken = BrokenTrials(retry_limits, self._queue, ended, stop, self._notify)
        self._loop = TrainingLoop(
            spec.space, executor, self._queue, duplicates, ended, self._broken, stop, lease, self._budget, self._notify
        )

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
        counts = _counts(self._study)
        self._notify(events.StudyEnded(self._spec.name, finished, counts, reason))
        self._stop.raise_error()
        return StudyResult(finished, self._study, counts, reason)


def _counts(study: optuna.Study) -> dict[EndState, int]:
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    return {name: states.count(state) for state, name in STATES.items()}

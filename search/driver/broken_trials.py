"""Decide how to handle interrupted trials: retry them, fail them, or leave them to the next driver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from optuna.trial import TrialState

from data.errors import MachineError, UserError
from search.driver import events
from search.driver.retries import RetryLimits, describe_exit
from search.driver.running_trial import RunningTrial
from search.driver.stop_request import StopRequest
from search.driver.trial_end import TrialFinisher
from search.driver.trial_queue import TrialQueue
from search.executors.messages import DeviceLost, Died

__all__ = ["BrokenTrials"]


@dataclass(frozen=True)
class BrokenTrials:
    """Handle crashes of runs and workers, faults of the machine, invalid input, and the deaths of earlier drivers.

    A trial that is interrupted while the study is stopping is left to the next driver.
    """

    limits: RetryLimits
    queue: TrialQueue
    ended: TrialFinisher
    stop: StopRequest
    notify: events.Observer
    _inherited: set[int] = field(default_factory=set)

    def inherit(self, numbers: Iterable[int]) -> None:
        """Note which trials an earlier driver left running."""
        self._inherited.update(numbers)

    def count_loss(self, running: RunningTrial) -> None:
        """Record, once, when the trial is started, that its last driver was lost; after too many losses it fails."""
        if running.number in self._inherited:
            self._inherited.discard(running.number)
            running.defect = running.defect or running.retries.count_loss(running.last_rung, self.limits)

    def leave_to_next_driver(self, running: RunningTrial) -> None:
        """Leave the trial RUNNING in the storage, without counting that as a loss."""
        running.retries.excuse_next_loss(running.last_rung)

    def machine_fault(self, running: RunningTrial, reason: str) -> None:
        """Stop the study: the machine is at fault, not the trial."""
        self.stop.because_of(MachineError(reason))
        self.leave_to_next_driver(running)

    def invalid_input(self, running: RunningTrial, reason: str, *, others_run: bool) -> None:
        """Fail the trial; or, as long as none has run successfully, stop the study: all others would fail too."""
        if others_run:
            self.ended.end(running, TrialState.FAIL, reason)
        else:
            self.stop.because_of(UserError(reason))
            self.leave_to_next_driver(running)

    def crashed(self, running: RunningTrial, reason: str) -> None:
        """Retry a trial whose run raised an exception that may not come again."""
        if self.stop.is_requested:
            self.leave_to_next_driver(running)
            return
        failure = running.retries.count_crash(running.last_rung, reason, self.limits)
        if not failure:
            self.notify(events.TrialRetried(running.number, reason))
        self._retry_or_fail(running, failure)

    def worker_died(self, death: Died, running: RunningTrial | None) -> None:
        """Retry the trial of a dead worker, if it had one."""
        if self.stop.is_requested:  # killed while loading, or the next driver retries the trial
            if running is not None:
                self.leave_to_next_driver(running)
            return
        if running is None:
            self.notify(events.WorkerDied(death.worker, None, death.exit_code, retried=False))
            return
        if death.exit_code is None:  # lost, perhaps with its machine
            failure = running.retries.count_loss(running.last_rung, self.limits, "a worker was lost")
        else:
            cause = f"its worker {describe_exit(death.exit_code)}"
            failure = running.retries.count_crash(running.last_rung, cause, self.limits)
        self.notify(events.WorkerDied(death.worker, running.number, death.exit_code, retried=not failure))
        self._retry_or_fail(running, failure)

    def device_lost(self, lost: DeviceLost, running: RunningTrial | None) -> None:
        """Continue the trial on another device, without counting that as a crash; without another one, stop."""
        self.notify(events.DeviceLost(lost.device, lost.number, lost.reason, lost.workers))
        if not lost.workers:
            self.stop.because_of(MachineError(f"{lost.device}: {lost.reason}; no other device is left"))
        if running is None:
            return
        if self.stop.is_requested:
            self.leave_to_next_driver(running)
        else:
            self.queue.retry(running)

    def _retry_or_fail(self, running: RunningTrial, failure: str) -> None:
        if failure:
            self.ended.end(running, TrialState.FAIL, failure)
        else:
            self.queue.retry(running)

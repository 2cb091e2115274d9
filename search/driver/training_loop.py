"""The loop that keeps workers busy and acts on their messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from optuna.trial import TrialState

from core.run.evaluation import Evaluation
from data.errors import UserError
from search.driver import events
from search.driver.broken_trials import BrokenTrials
from search.driver.budget import Budget
from search.driver.outages import InputOutages
from search.driver.proposals import Duplicates
from search.driver.running_trial import RunningTrial
from search.driver.stop_request import StopRequest
from search.driver.trial_end import TrialFinisher
from search.driver.trial_queue import TrialQueue
from search.executors import messages
from search.executors.base import Executor
from search.space.space import Space
from search.storage.storage_lease import StorageLease

__all__ = ["TrainingLoop"]


@dataclass
class TrainingLoop:
    """Train trials until the queue has none left, or a stop is requested.

    The executor has been started. The lease is kept alive, and the budget saves the time spent.
    """

    space: Space
    executor: Executor
    queue: TrialQueue
    duplicates: Duplicates
    ended: TrialFinisher
    broken: BrokenTrials
    outages: InputOutages
    stop: StopRequest
    lease: StorageLease
    budget: Budget
    notify: events.Observer
    _running: dict[int, RunningTrial] = field(default_factory=dict)  # with a worker, by number
    _has_scored: bool = False  # whether a run of this driver passed a rung
    _has_interrupted: bool = False  # whether the workers have been asked to stop

    def run(self) -> None:
        """Start trials and handle messages; returns when no worker is busy and no trial is to be started."""
        while not self.stop.is_immediate:
            if not self.stop.is_requested:
                with self.stop.on_error():
                    self._start_trials()
            if self.stop.is_requested and not self._has_interrupted:
                self._has_interrupted = True
                self.executor.interrupt()
            if not self._running and (self.stop.is_requested or self.executor.idle):
                return  # without an idle worker, the only one is being replaced
            for message in self.executor.events(self.lease.due_seconds):
                with self.stop.on_error():
                    self._handle(message)
            self.lease.beat()
            self.budget.save_time()

    def _start_trials(self) -> None:
        while not self.stop.is_requested and self.executor.idle:
            running = self.queue.next(len(self._running))
            if running is None:
                return
            self.broken.count_loss(running)
            original = self.duplicates.original(running.number, running.config)
            if running.defect:
                self.ended.end(running, TrialState.FAIL, running.defect)
            elif original is None:
                self._submit(running)
            elif original.state.is_finished():
                self.ended.end_duplicate(running, original)
            else:
                self.queue.hold(running)

    def _submit(self, running: RunningTrial) -> None:
        self._running[running.number] = running
        job = messages.TrialJob(running.number, running.config, running.folder, running.url)
        worker = self.executor.submit(job)
        self.notify(
            events.TrialStarted(
                number=running.number,
                params=self.space.chosen(running.config),
                resumed=running.resumed,
                worker=worker,
                planned_examples=running.config.examples,
                revived=running.revived,
                device=self.executor.device(worker),
            )
        )

    def _handle(self, message: messages.Message) -> None:
        match message:
            case messages.Advanced(number, examples):
                self.outages.advanced(number)
                self.notify(events.TrialAdvanced(number, examples))
            case messages.Away(number, reason):
                self.outages.away(number, reason)
            case messages.Evaluated(number, evaluation):
                self.outages.advanced(number)
                self._judge(self._running[number], evaluation)
            case messages.Ended(number, outcome):
                self._end(self._pop(number), outcome)
            case messages.Failed(int(number), reason):
                self.ended.end(self._pop(number), TrialState.FAIL, reason)
            case messages.InvalidInput(int(number), reason):
                self.broken.invalid_input(self._pop(number), reason, others_run=self._has_scored)
            case messages.MachineFault(number, reason):
                self.broken.machine_fault(self._pop(number), reason)
            case messages.Crashed(number, reason):
                self.broken.crashed(self._pop(number), reason)
            case messages.DeviceLost(number=number):
                self.broken.device_lost(message, self._pop(number) if number in self._running else None)
            case messages.Died(number=number):
                self.broken.worker_died(message, self._pop(number) if number in self._running else None)

    def _pop(self, number: int | None) -> RunningTrial:
        assert number is not None, "a message about a trial has its number"
        self.outages.ended(number)
        return self._running.pop(number)

    def _judge(self, running: RunningTrial, evaluation: Evaluation) -> None:
        """Answer an evaluation: the run continues or is pruned."""
        self._has_scored = True
        is_new = not running.knows(evaluation)
        try:
            go_on = running.judge(evaluation)
        except UserError:
            # Its worker has written a checkpoint and waits for an answer until it is stopped.
            del self._running[running.number]
            raise
        self.executor.decide(running.number, go_on)
        if is_new:
            self.notify(events.TrialEvaluated(running.number, evaluation))

    def _end(self, running: RunningTrial, outcome: messages.OutcomeName) -> None:
        """End the trial as its run ended; one that was interrupted stays RUNNING in the storage."""
        if running.defect:
            self.ended.end(running, TrialState.FAIL, running.defect)
        elif outcome == "pruned":
            self.ended.end(running, TrialState.PRUNED, running.pruned_because)
        elif outcome == "interrupted":
            self.broken.leave_to_next_driver(running)
        elif running.best is None:
            self.ended.end(running, TrialState.FAIL, "the run ended without an evaluation")
        else:
            self.ended.end(running, TrialState.COMPLETE, running.no_winner_because)

"""End trials: in the storage, on disk, on the dashboard and for observers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from heapq import nsmallest

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from core.run.evaluation import best_evaluation
from search.driver.events import Observer, TrialEnded
from search.driver.panels import LivePanels, save_trial_note
from search.driver.revivals import Revivals
from search.driver.running_trial import RunningTrial
from search.driver.trial_queue import TrialQueue
from search.recorded.ranking import best_trial, contends, rank
from search.storage import optuna_internals
from search.trials.floors import is_feasible
from search.trials.folders import TrialFolders
from search.trials.record import REPEAT_OF, EndState, TrialRecord, TrialResult

__all__ = ["KEEP_MODELS", "STATES", "TrialFinisher", "TrialRecorder", "best_so_far"]

KEEP_MODELS = "keep_models"  # user attribute of the study, for commands that clean up later
STATES: dict[TrialState, EndState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class TrialRecorder:
    """End trials in the storage and on disk.

    Args:
        study: where trials are recorded.
        folders: where they left their artifacts.
        keep_models: number of the best complete trials that keep their model; trials below a floor do not count.

    Attributes:
        revivals: the pruned trials that may continue, which keep their checkpoint and model.
    """

    def __init__(self, study: optuna.Study, folders: TrialFolders, keep_models: int) -> None:
        self.revivals = Revivals(study, folders)
        self._study = study
        self._folders = folders
        self._keep_models = keep_models
        self._models: list[tuple[float, int]] = []  # ranks and numbers of the trials that keep theirs

    def end(self, running: RunningTrial, state: TrialState, reason: str) -> float | None:
        """End the trial as COMPLETE, PRUNED or FAIL; returns its value as Optuna has it.

        The value of a complete trial is its best overall score, which is that of the weights it keeps. The value of a
        pruned trial is its last overall score, which Optuna compares with others at that rung.
        """
        self._folders.receive(running.number)
        try:
            value = optuna_internals.trial_transaction(running.trial, lambda: self._record(running, state, reason))
        except UpdateFinishedTrialError:  # a first attempt was successful, but its answer was lost
            value = optuna_internals.stored_trial(running.trial).value
        self._tidy_after(optuna_internals.stored_trial(running.trial))
        return value

    def _record(self, running: RunningTrial, state: TrialState, reason: str) -> float | None:
        result = running.result(reason)
        running.report_all()
        result.write(running.trial)
        running.constrain(complete=state == TrialState.COMPLETE)
        save_trial_note(running.trial, result, running.evaluations)
        value = result.overall if state == TrialState.COMPLETE else None
        return optuna_internals.tell(self._study, running.trial, running.sampler, state, value)

    def end_duplicate(self, running: RunningTrial, original: FrozenTrial) -> TrialResult:
        """End a duplicate of ``original``, which has already ended, in the same state, and return its result.

        It gets the original's reports, scores, state, value, metrics and predictions, but no model and no costs, and it
        cannot win. The call may be repeated after a crash.
        """
        result = TrialResult.read(original.user_attrs).as_duplicate(original.number)
        self._folders.copy_outputs(original.number, running.number)
        with contextlib.suppress(UpdateFinishedTrialError):  # a first attempt was successful, but its answer was lost
            optuna_internals.trial_transaction(running.trial, lambda: self._record_duplicate(running, original, result))
        return result

    def _record_duplicate(self, running: RunningTrial, original: FrozenTrial, result: TrialResult) -> None:
        optuna_internals.copy_reports(original, running.trial)
        running.trial.set_user_attr(REPEAT_OF, original.number)
        result.write(running.trial)
        save_trial_note(running.trial, result, self._folders.curve(running.number))
        value = original.value if original.state == TrialState.COMPLETE else None
        optuna_internals.tell(self._study, running.trial, running.sampler, original.state, value)

    def tidy(self) -> None:
        """Delete what no ended trial needs, once, when a driver opens a study: most checkpoints and models.

        From then on :meth:`end` handles only what one end changes, which costs the same however large the study is.
        """
        if self._study.user_attrs.get(KEEP_MODELS) != self._keep_models:
            self._study.set_user_attr(KEEP_MODELS, self._keep_models)
        ended = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()]
        self._models = nsmallest(self._keep_models, map(rank, filter(contends, ended)))
        self.revivals.find()
        for trial in ended:
            self._tidy(trial.number)

    def _tidy_after(self, ended: FrozenTrial) -> None:
        """Clean up after one trial and those that it displaces: from the best, or from those that may continue."""
        before = self._models
        if contends(ended):
            self._models = nsmallest(self._keep_models, [*before, rank(ended)])
        displaced = {number for _, number in {*before} - {*self._models}}
        if ended.state == TrialState.PRUNED:
            displaced |= self.revivals.add(ended.number)
        for number in {ended.number, *displaced}:
            self._tidy(number)

    def give_up_revivals(self) -> None:
        """Delete the checkpoints of pruned trials, because the study has ended."""
        for number in self.revivals.give_up():
            self._tidy(number)

    def _tidy(self, number: int) -> None:
        may_continue = number in self.revivals
        is_best = any(number == best for _, best in self._models)
        self._folders.tidy(number, keep_model=is_best or may_continue, keep_checkpoint=may_continue)


@dataclass(frozen=True)
class TrialFinisher:
    """Do everything that the end of a trial requires: record it, update the dashboard, notify the observer.

    The queue may hold trials that wait for that end, and releases them.
    """

    recorder: TrialRecorder
    folders: TrialFolders
    panels: LivePanels
    queue: TrialQueue
    notify: Observer

    def end(self, running: RunningTrial, state: TrialState, reason: str) -> None:
        """End a trial as COMPLETE, PRUNED or FAIL."""
        value = self.recorder.end(running, state, reason)
        self.panels.forget(running.number)
        self.panels.refresh()
        self.queue.release()
        result = running.result(reason)
        self.notify(
            TrialEnded(
                number=running.number,
                state=STATES[state],
                value=value,
                reason=reason,
                best=running.best,
                seconds=result.seconds,
                folder=running.folder,
                examples=result.examples,
                feasible=not running.no_winner_because,
            )
        )

    def end_duplicate(self, running: RunningTrial, original: FrozenTrial) -> None:
        """End a trial without training it, with the result of ``original``, which has the same configuration."""
        result = self.recorder.end_duplicate(running, original)
        self.queue.release()
        self.notify(
            TrialEnded(
                number=running.number,
                state=STATES[original.state],
                value=original.value,
                reason=result.reason,
                best=best_evaluation(self.folders.curve(running.number)),
                seconds=result.seconds,
                folder=running.folder,
                feasible=is_feasible(original),
                repeat_of=original.number,
            )
        )


def best_so_far(study: optuna.Study, folders: TrialFolders) -> TrialEnded | None:
    """Return the event of the end of the best trial of earlier runs of the study; None if there is none."""
    trial = best_trial(study)
    if trial is None:
        return None
    return TrialEnded(
        number=trial.number,
        state="complete",
        value=trial.value,
        reason="",
        best=best_evaluation(folders.curve(trial.number)),
        seconds=TrialRecord.read(trial).result.seconds,
        folder=folders.path(trial.number),
    )

"""Conclusions: what is recorded when a trial ends, and what is cleared away."""

from __future__ import annotations

import contextlib
from heapq import nsmallest

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from search.driver.live_panels import LivePanels
from search.driver.panels import save_trial_note
from search.driver.running_trial import RunningTrial
from search.recorded.ranking import contends, rank
from search.storage import optuna_internals as optuna_trials
from search.trials.folders import TrialFolders
from search.trials.record import REPEAT_OF, TrialResult

__all__ = ["Conclusions"]

KEEP_MODELS = "keep_models"  # the study's, for programs that clear away later


class Conclusions:
    """Ends trials in the storage, the dashboard and the file system.

    Args:
        study: where trials are recorded.
        folders: where they left their artifacts.
        keep_models: how many of the best complete trials keep their model; one below a floor is none of them.

    Attributes:
        panels: the dashboard's figures, brought up to date when trials end.
    """

    def __init__(self, study: optuna.Study, folders: TrialFolders, keep_models: int) -> None:
        self._study = study
        self._folders = folders
        self._keep_models = keep_models
        self._models: list[tuple[float, int]] = []  # by rank, the trials that keep theirs
        self.panels = LivePanels(study, folders)

    def end(self, running: RunningTrial, state: TrialState, reason: str) -> float | None:
        """End the trial as COMPLETE, PRUNED or FAIL; returns its value as Optuna has it.

        A complete trial's value is its best overall score, which is that of the weights it keeps. A pruned trial's is
        its last, which is what Optuna compares at that rung.
        """
        try:
            value = optuna_trials.in_one_batch(running.trial, lambda: self._record(running, state, reason))
        except UpdateFinishedTrialError:  # by a first try whose success did not become known
            value = optuna_trials.stored_trial(running.trial).value
        self._tidy_after(optuna_trials.stored_trial(running.trial))
        self.panels.refresh()
        return value

    def _record(self, running: RunningTrial, state: TrialState, reason: str) -> float | None:
        result = running.result(reason)
        running.report_all()
        result.write(running.trial)
        running.constrain(complete=state == TrialState.COMPLETE)
        save_trial_note(running.trial, result, running.evaluations)
        value = result.overall if state == TrialState.COMPLETE else None
        return optuna_trials.tell(self._study, running.trial, running.sampler, state, value)

    def repeat(self, running: RunningTrial, original: FrozenTrial) -> TrialResult:
        """End a trial that would repeat ``original``, which has ended, as that one ended; may be repeated.

        It gets the original's reports, scores, state and value, its metrics and predictions, and neither a model nor
        costs. It competes with nobody.
        """
        result = TrialResult.read(original.user_attrs).repeated(original.number)
        self._folders.repeat(running.number, original.number)
        with contextlib.suppress(UpdateFinishedTrialError):  # by a first try whose success did not become known
            optuna_trials.in_one_batch(running.trial, lambda: self._record_repeat(running, original, result))
        return result

    def _record_repeat(self, running: RunningTrial, original: FrozenTrial, result: TrialResult) -> None:
        optuna_trials.copy_reports(original, running.trial)
        running.trial.set_user_attr(REPEAT_OF, original.number)
        result.write(running.trial)
        save_trial_note(running.trial, result, self._folders.curve(running.number))
        value = original.value if original.state == TrialState.COMPLETE else None
        optuna_trials.tell(self._study, running.trial, running.sampler, original.state, value)

    def tidy(self) -> None:
        """Delete checkpoints of all ended trials and all but the best models: once, when a driver takes up a study.

        From then on :meth:`end` touches what an end changes, which costs the same however large the study is.
        """
        if self._study.user_attrs.get(KEEP_MODELS) != self._keep_models:
            self._study.set_user_attr(KEEP_MODELS, self._keep_models)
        ended = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()]
        self._models = nsmallest(self._keep_models, map(rank, filter(contends, ended)))
        kept = {number for _, number in self._models}
        for trial in ended:
            self._folders.tidy(trial.number, keep_model=trial.number in kept)

    def _tidy_after(self, ended: FrozenTrial) -> None:
        """Clear away after one trial, and the model that it drives out of the best ones."""
        before = self._models
        if contends(ended):
            self._models = nsmallest(self._keep_models, [*before, rank(ended)])
        kept = {number for _, number in self._models}
        for number in {ended.number, *(number for _, number in before)} - kept:
            self._folders.tidy(number, keep_model=False)
        if ended.number in kept:
            self._folders.tidy(ended.number, keep_model=True)

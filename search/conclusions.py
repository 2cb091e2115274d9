"""Conclusions: what is recorded when a trial ends, and what is cleared away."""

from __future__ import annotations

import time
from heapq import nsmallest

import optuna
from optuna.trial import FrozenTrial, TrialState

from core.evaluation import Evaluation
from search import optuna_trials
from search.dashboard_panels import save_curves, save_trial_note
from search.finished_study import contends, rank
from search.running_trial import RunningTrial
from search.trial_folders import TrialFolders
from search.trial_record import REPEAT_OF, TrialResult

__all__ = ["Conclusions"]

KEEP_MODELS = "keep_models"  # the study's, for programs that clear away later
CURVES_SECONDS = 30.0  # between two drawings of all learning curves, whose cost grows with the study


class Conclusions:
    """Ends trials in the storage, the dashboard and the file system.

    Args:
        study: where trials are recorded.
        folders: where they left their artifacts.
        keep_models: how many of the best complete trials keep their model; one below a floor is none of them.
    """

    def __init__(self, study: optuna.Study, folders: TrialFolders, keep_models: int) -> None:
        self._study = study
        self._folders = folders
        self._keep_models = keep_models
        self._models: list[tuple[float, int]] = []  # by rank, the trials that keep theirs
        self._curves: dict[int, list[Evaluation]] = {}
        self._drawn = time.monotonic()

    def end(self, running: RunningTrial, state: TrialState, reason: str) -> float | None:
        """End the trial as COMPLETE, PRUNED or FAIL; returns its value as Optuna has it.

        A complete trial's value is its best overall score, which is that of the weights it keeps. A pruned trial's is
        its last, which is what Optuna compares at that rung.
        """
        result = running.result(reason)
        result.write(running.trial)
        running.constrain(complete=state == TrialState.COMPLETE)
        save_trial_note(running.trial, result, running.evaluations)
        value = result.overall if state == TrialState.COMPLETE else None
        optuna_trials.tell(self._study, running.trial, running.sampler, state, value)
        ended = self._study.get_trials(deepcopy=False)[running.number]
        self._tidy_after(ended)
        if time.monotonic() - self._drawn > CURVES_SECONDS:
            self.draw_curves()
        return ended.value

    def repeat(self, running: RunningTrial, original: FrozenTrial) -> TrialResult:
        """End a trial that would repeat ``original``, which has ended, as that one ended; may be repeated.

        It gets the original's reports, scores, state and value, its metrics and predictions, and neither a model nor
        costs. Nothing a pruner noted is copied: a repeat competes with nobody.
        """
        result = TrialResult.read(original.user_attrs).repeated(original.number)
        self._folders.repeat(running.number, original.number)
        optuna_trials.copy_reports(original, running.trial)
        running.trial.set_user_attr(REPEAT_OF, original.number)
        result.write(running.trial)
        save_trial_note(running.trial, result, self._folders.run(running.number).read_metrics())
        value = original.value if original.state == TrialState.COMPLETE else None
        optuna_trials.tell(self._study, running.trial, running.sampler, original.state, value)
        return result

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

    def draw_curves(self) -> None:
        """Bring the dashboard's learning curves up to date."""
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state.is_finished() and trial.number not in self._curves:
                self._curves[trial.number] = self._folders.run(trial.number).read_metrics()
        save_curves(self._study, self._curves)
        self._drawn = time.monotonic()

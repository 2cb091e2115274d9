"""Conclusions: what is recorded when a trial ends, and what is cleared away."""

from __future__ import annotations

import time

import optuna
from optuna.trial import TrialState

from core.evaluation import Evaluation
from search import optuna_trials
from search.dashboard_panels import save_curves, save_trial_note
from search.running_trial import RunningTrial
from search.trial_folders import TrialFolders

__all__ = ["Conclusions"]

CURVES_SECONDS = 30.0  # between two drawings of all learning curves, whose cost grows with the study


class Conclusions:
    """Ends trials in the storage, the dashboard and the file system.

    Args:
        study: where trials are recorded.
        folders: where they left their artifacts.
        keep_models: how many of the best complete trials keep their model.
    """

    def __init__(self, study: optuna.Study, folders: TrialFolders, keep_models: int) -> None:
        self._study = study
        self._folders = folders
        self._keep_models = keep_models
        self._curves: dict[int, list[Evaluation]] = {}
        self._drawn = time.monotonic()

    def end(self, running: RunningTrial, state: TrialState, reason: str) -> float | None:
        """End the trial as COMPLETE, PRUNED or FAIL; returns its value as Optuna has it.

        A complete trial's value is its best overall score, which is that of the weights it keeps. A pruned trial's is
        its last, which is what Optuna compares at that rung.
        """
        result = running.result(reason)
        result.write(running.trial)
        save_trial_note(running.trial, result, running.evaluations)
        value = result.overall if state == TrialState.COMPLETE else None
        optuna_trials.tell(self._study, running.trial, running.sampler, state, value)
        self.tidy()
        if time.monotonic() - self._drawn > CURVES_SECONDS:
            self.draw_curves()
        return self._study.get_trials(deepcopy=False)[running.number].value

    def tidy(self) -> None:
        """Delete checkpoints of ended trials and all but the best models; may be repeated."""
        trials = self._study.get_trials(deepcopy=False)
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        complete.sort(key=lambda trial: (-(trial.value or 0.0), trial.number))
        ended = [trial.number for trial in trials if trial.state.is_finished()]
        self._folders.tidy(ended, [trial.number for trial in complete[: self._keep_models]])

    def draw_curves(self) -> None:
        """Bring the dashboard's learning curves up to date."""
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state.is_finished() and trial.number not in self._curves:
                self._curves[trial.number] = self._folders.run(trial.number).read_metrics()
        save_curves(self._study, self._curves)
        self._drawn = time.monotonic()

"""Let samplers that look at finished trials only learn from pruned ones."""

from __future__ import annotations

import copy
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from search.samplers.viewing_sampler import ViewingSampler
from search.storage.optuna_internals import StudyView, cached_trials
from search.trials.final_scores import final_scores

__all__ = ["PrunedHistory", "as_finished"]


class PrunedHistory(ViewingSampler):
    """A sampler that sees a pruned trial as a finished one, with the score that it would be expected to reach.

    Optuna's Gaussian process ignores pruned trials, and so proposes again and again what was just pruned; its TPE ranks
    any finished trial above any pruned one. In a search that prunes well, most trials are pruned.

    Args:
        sampler: makes the proposals.
    """

    def __init__(self, sampler: BaseSampler) -> None:
        super().__init__(sampler)
        self._seen: list[FrozenTrial] | None = None

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Forget the view of the last trial, and call the sampler's method."""
        self._seen = None
        super().before_trial(study, trial)

    def view(self, study: optuna.Study) -> Any:
        """Return the study with its pruned trials shown as finished ones."""
        if self._seen is None:
            self._seen = as_finished(cached_trials(study))
        return StudyView(study, self._seen)


def as_finished(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials with pruned ones as complete, valued by :func:`search.trials.final_scores.final_scores`."""
    scored = [
        trial
        for trial in trials
        if trial.intermediate_values and trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    ]
    if all(trial.state == TrialState.COMPLETE for trial in scored):
        return trials
    finals = [trial.value if trial.state == TrialState.COMPLETE else None for trial in scored]
    values = final_scores([trial.intermediate_values for trial in scored], finals)
    expected = {trial.number: float(value) for trial, value in zip(scored, values, strict=True)}
    return [
        _finished(trial, expected[trial.number])
        if trial.state == TrialState.PRUNED and trial.number in expected
        else trial
        for trial in trials
    ]


def _finished(trial: FrozenTrial, value: float) -> FrozenTrial:
    finished = copy.copy(trial)
    finished.state, finished.value = TrialState.COMPLETE, value
    return finished

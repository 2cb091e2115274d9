"""Decide what a sampler sees of a study's history: a bounded part of it, with pruned trials shown as finished ones."""

from __future__ import annotations

import copy
import itertools
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from search.storage.optuna_internals import StudyView, cached_trials, tpe_best_trials
from search.trials.final_scores import final_scores

__all__ = ["BoundedHistory", "PrunedHistory", "as_finished", "bounded_history"]

_COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)


class _ViewingSampler(BaseSampler):
    """A sampler that proposes what another one would for a changed view of the study, which lasts for one trial."""

    def __init__(self, sampler: BaseSampler) -> None:
        self.sampler = sampler
        self._seen: list[FrozenTrial] | None = None

    @abstractmethod
    def _select(self, study: optuna.Study) -> list[FrozenTrial] | None:
        """Return the trials that the sampler sees; None: the study itself."""

    def _view(self, study: optuna.Study) -> Any:
        if self._seen is None:
            self._seen = self._select(study)
        return study if self._seen is None else StudyView(study, self._seen)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Forget the view of the last trial, and call the sampler's method."""
        self._seen = None
        self.sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the sampler's answer for the view."""
        return self.sampler.infer_relative_search_space(self._view(study), trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the sampler's answer for the view."""
        return self.sampler.sample_relative(self._view(study), trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return the sampler's answer for the view."""
        return self.sampler.sample_independent(self._view(study), trial, param_name, param_distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Call the sampler's method."""
        self.sampler.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Call the sampler's method."""
        self.sampler.reseed_rng()


class PrunedHistory(_ViewingSampler):
    """A sampler that sees a pruned trial as a finished one, with the score that it would be expected to reach.

    Optuna's Gaussian process ignores pruned trials, and so proposes again and again what was just pruned; its TPE ranks
    any finished trial above any pruned one. In a search that prunes well, most trials are pruned.
    """

    def _select(self, study: optuna.Study) -> list[FrozenTrial]:
        return as_finished(cached_trials(study))


def as_finished(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials with pruned ones as complete, valued by :func:`search.trials.final_scores.final_scores`."""
    scored = [trial for trial in trials if trial.intermediate_values and trial.state in _COUNTED]
    if all(trial.state == TrialState.COMPLETE for trial in scored):
        return trials
    finals = [trial.value if trial.state == TrialState.COMPLETE else None for trial in scored]
    values = final_scores([trial.intermediate_values for trial in scored], finals)
    expected = {
        trial.number: float(value)
        for trial, value in zip(scored, values, strict=True)
        if trial.state == TrialState.PRUNED
    }
    return [_finished(trial, expected[trial.number]) if trial.number in expected else trial for trial in trials]


def _finished(trial: FrozenTrial, value: float) -> FrozenTrial:
    finished = copy.copy(trial)
    finished.state, finished.value = TrialState.COMPLETE, value
    return finished


class BoundedHistory(_ViewingSampler):
    """A sampler that sees only ``limit`` trials of a long study: the best ones, and a random sample of the others.

    The proposals of some samplers become slower with each trial: TPE compares a new point with all trials of the study,
    and a Gaussian process inverts a matrix of all of them. Beyond some number of trials, more of them are not worth
    their cost. Up to this limit a sampler sees all trials; it always sees those that failed or have not ended.

    Args:
        sampler: proposes one trial. With ``best`` = 25, TPE's "good" trials are those of the whole study, and its "bad"
            trials a uniform sample.
        limit: number of complete and pruned trials that it may see.
        best: how many of them are the study's best, in TPE's order: complete ones by value, then pruned ones by their
            last step and their value there, then those that violate a constraint.
        seed: of the random sample; different for each trial.
    """

    def __init__(self, sampler: BaseSampler, limit: int, best: int, seed: int) -> None:
        super().__init__(sampler)
        self.limit = limit
        self.best = best
        self.seed = seed

    def _select(self, study: optuna.Study) -> list[FrozenTrial] | None:
        trials = cached_trials(study)
        counted = [trial for trial in trials if trial.state in _COUNTED]
        if len(counted) <= self.limit:
            return None
        best = {trial.number for trial in _best(study, counted, self.best)}
        others = [trial.number for trial in counted if trial.number not in best]
        picks = np.random.default_rng(self.seed).choice(len(others), self.limit - len(best), replace=False)
        kept = best | {others[pick] for pick in picks}
        return [trial for trial in trials if trial.state not in _COUNTED or trial.number in kept]


def _best(study: optuna.Study, trials: list[FrozenTrial], count: int) -> list[FrozenTrial]:
    """Return the ``count`` best trials in TPE's order; TPE's own function would evaluate all trials' constraints."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
    complete.sort(key=lambda trial: trial.values[0], reverse=maximize)
    feasible = (trial for trial in complete if all(value <= 0 for value in trial.constraints.values()))
    best = list(itertools.islice(feasible, count))
    return best if len(best) == count else tpe_best_trials(study, trials, count)


LIMITS = {"tpe": (1000, 25), "gp": (300, 100)}
"""Sampler's name -> limit and best. Optuna's TPE never uses more than 25 good trials."""


def bounded_history(name: str, sampler: BaseSampler, seed: int, limit: int | None = None) -> BaseSampler:
    """Return the sampler with a bounded history if its kind needs one; ``limit`` replaces the usual limit.

    Such a sampler also sees pruned trials as finished ones. Optuna's TPE ranks any finished trial above any pruned one,
    which cost it a quarter more training on recorded curves (docs/search.md).
    """
    if name not in LIMITS:
        return sampler
    usual, best = LIMITS[name]
    return BoundedHistory(PrunedHistory(sampler), limit or usual, best, seed)

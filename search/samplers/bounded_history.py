"""Bound the history of samplers whose proposals become slower with each trial.

TPE compares a new point with all trials of the study, and a Gaussian process inverts a matrix of all of them. Beyond
some number of trials, more of them are not worth their cost. Up to this limit a sampler sees all trials.
"""

from __future__ import annotations

import itertools
from collections.abc import Container
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from search.samplers.pruned_history import PrunedHistory
from search.samplers.viewing_sampler import ViewingSampler
from search.storage.optuna_internals import StudyView, cached_trials, tpe_best_trials

__all__ = ["BoundedHistory", "bounded_history"]


class BoundedHistory(ViewingSampler):
    """A sampler that sees only ``limit`` trials of a long study: the best ones, and a random sample of the others.

    It sees all trials in states other than ``states``, and thus all that have not ended.

    Args:
        sampler: proposes one trial. With ``best`` = 25, TPE's "good" trials are those of the whole study, and its "bad"
            trials a uniform sample.
        limit: number of trials in ``states`` that it may see.
        best: how many of them are the study's best, in TPE's order: complete ones by value, then pruned ones by their
            last step and their value there, then those that violate a constraint.
        states: the states to which the limit applies.
        seed: of the random sample; different for each trial.
    """

    def __init__(self, sampler: BaseSampler, limit: int, best: int, states: Container[TrialState], seed: int) -> None:
        super().__init__(sampler)
        self.limit = limit
        self.best = best
        self.states = states
        self.seed = seed
        self._seen: list[FrozenTrial] | None = None  # of a study beyond the limit

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Forget the view of the last trial, and call the sampler's method."""
        self._seen = None
        super().before_trial(study, trial)

    def view(self, study: optuna.Study) -> Any:
        """Return the study, or a view of part of it if it is beyond the limit."""
        if self._seen is None:
            trials = cached_trials(study)
            counted = [trial for trial in trials if trial.state in self.states]
            if len(counted) <= self.limit:
                return study
            kept = {trial.number for trial in self._choose(study, counted)}
            self._seen = [trial for trial in trials if trial.state not in self.states or trial.number in kept]
        return StudyView(study, self._seen)

    def _choose(self, study: optuna.Study, counted: list[FrozenTrial]) -> list[FrozenTrial]:
        best = _best(study, counted, self.best)
        numbers = {trial.number for trial in best}
        others = [trial for trial in counted if trial.number not in numbers]
        picks = np.random.default_rng(self.seed).choice(len(others), self.limit - len(best), replace=False)
        return best + [others[pick] for pick in picks]


def _best(study: optuna.Study, trials: list[FrozenTrial], count: int) -> list[FrozenTrial]:
    """Return the ``count`` best trials in TPE's order; TPE's own function would evaluate all trials' constraints."""
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
    complete.sort(key=lambda trial: trial.values[0], reverse=maximize)
    feasible = (trial for trial in complete if all(value <= 0 for value in trial.constraints.values()))
    best = list(itertools.islice(feasible, count))
    return best if len(best) == count else tpe_best_trials(study, trials, count)


LIMITS: dict[str, tuple[int, int, tuple[TrialState, ...]]] = {
    "tpe": (1000, 25, (TrialState.COMPLETE, TrialState.PRUNED)),
    "gp": (300, 100, (TrialState.COMPLETE, TrialState.PRUNED)),
}
"""Sampler's name -> limit, best and states. Optuna's TPE never uses more than 25 good trials."""


def bounded_history(name: str, sampler: BaseSampler, seed: int, limit: int | None = None) -> BaseSampler:
    """Return the sampler with a bounded history if its kind needs one; ``limit`` replaces the usual limit.

    Such a sampler also sees pruned trials as finished ones. Optuna's TPE ranks any finished trial above any pruned one,
    which cost it a quarter more training on recorded curves (docs/search.md).
    """
    if name not in LIMITS:
        return sampler
    usual, best, states = LIMITS[name]
    return BoundedHistory(PrunedHistory(sampler), limit or usual, best, states, seed)

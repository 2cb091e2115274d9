"""A bounded history for samplers whose proposals cost more the more trials there are.

TPE compares a new point with every trial of the study, and a Gaussian process inverts a matrix of all of them. Beyond
some number of trials neither gains from the rest what that costs. Up to the limit a sampler sees all of them.
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
    """A sampler to which a long study looks like ``limit`` trials of it: the best, and a random part of the others.

    Trials that have not ended are all seen, and so are those in other states than ``states``.

    Args:
        sampler: proposes one trial. With ``best`` = 25, its "good" trials are for TPE those of the whole study, and the
            others an even sample.
        limit: trials in ``states`` that it may see.
        best: how many of them are the study's best, in TPE's order: complete ones by value, then pruned ones by how
            far they came and their value there, then those that break a constraint.
        states: those that count.
        seed: of the random part; another for each trial.
    """

    def __init__(self, sampler: BaseSampler, limit: int, best: int, states: Container[TrialState], seed: int) -> None:
        super().__init__(sampler)
        self.limit = limit
        self.best = best
        self.states = states
        self.seed = seed
        self._seen: list[FrozenTrial] | None = None  # of a study beyond the limit

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the sampler's."""
        self._seen = None
        super().before_trial(study, trial)

    def view(self, study: optuna.Study) -> Any:
        """The study, or a part of it beyond the limit."""
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
    """TPE's good trials if they are to be ``count``; its own function computes every trial's constraints."""
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
"""Sampler's name -> limit, best and states. 25 is the most that Optuna's TPE ever takes for its good trials."""


def bounded_history(name: str, sampler: BaseSampler, seed: int, limit: int | None = None) -> BaseSampler:
    """The sampler, with a limit where its kind needs one; ``limit`` instead of the usual one.

    It also sees pruned trials as finished ones. Optuna's TPE takes any finished trial for better than any pruned one:
    on recorded curves (docs/search.md) that cost it a quarter more training.
    """
    if name not in LIMITS:
        return sampler
    usual, best, states = LIMITS[name]
    return BoundedHistory(PrunedHistory(sampler), limit or usual, best, states, seed)

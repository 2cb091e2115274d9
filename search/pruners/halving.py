"""Asynchronous successive halving at a study's own rungs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search.trials.floors import is_feasible
from search.trials.record import REPEAT_OF

__all__ = ["SuccessiveHalving"]

STRICTER = 1.25
"""Multiplies the factor where pruned trials may continue, as recorded curves suggest (docs/search.md)."""


class SuccessiveHalving(BasePruner):
    """A pruner that lets a trial continue if it is among the best 1 / factor of all trials that reached this rung.

    It is asynchronous (Li et al. 2020, arXiv:1810.05934, the stopping variant): no trial waits for others, and the
    first trial at a rung always continues. It differs from Optuna's pruner of the same name in two ways: it decides at
    each of the study's rungs separately, not at powers of the factor; and its answer depends on recorded scores alone,
    not on marks that it left before.

    Args:
        rungs: where trials are scored, in training examples, ascending; the last is the end of a run.
        reduction_factor: above 1; None: at each rung the cost of the next rung divided by that of this one, so that
            each rung gets the same share of all training. If rungs double, half of the trials continue; at the fourth
            of five evenly spaced rungs, four fifths. With ``revive``, it is a quarter more: a mistake can be corrected.
        skip: number of first rungs at which no trial is pruned.
        competes: whether other trials are compared with the trial of this number; None: with all.
        revive: whether a trial that was pruned may continue later.
    """

    def __init__(
        self,
        rungs: tuple[int, ...],
        reduction_factor: float | None = None,
        skip: int = 0,
        competes: Callable[[int], bool] | None = None,
        *,
        revive: bool = False,
    ) -> None:
        strictness = STRICTER if revive else 1.0
        costs = [strictness * after / before for before, after in pairwise(rungs)]
        factors = costs if reduction_factor is None else [reduction_factor] * len(costs)
        self._factors = dict(list(zip(rungs, factors, strict=False))[skip:])
        self._competes = competes
        self._revive = revive

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether the trial ends at its last report."""
        rung = trial.last_step
        if rung is None or rung not in self._factors:
            return False
        mine, others = trial.intermediate_values[rung], self._others(study, trial.number, rung)
        return sum(score > mine for score in others) >= self._places(rung, len(others) + 1)

    def _places(self, rung: int, trials: int) -> int:
        """Return how many of the trials that reached a rung continue."""
        return max(1, math.floor(trials / self._factors[rung]))

    def waits(self, study: Study, numbers: Iterable[int]) -> list[tuple[int, float]]:
        """Return which of these trials may still continue, in order of their turns, and how long each has to wait.

        With every trial that reaches a rung, there may be room for one more: a trial that was pruned there can turn out
        to be among the best 1 / factor after all. (In Li et al. 2020, this is the promoting variant.) The wait is the
        number of trials that the study would have to start until then, if all of them were worse at this rung and
        1 / factor passed each rung before it; 0 for trials that may continue now. Of those, the one at the latest rung
        comes first, then the one with the best score.

        Args:
            study: has the trials.
            numbers: of trials that have ended.
        """
        if not self._revive:
            return []
        trials = study.get_trials(deepcopy=False)
        found = []
        for trial in (trials[number] for number in numbers):
            rung = trial.last_step
            if rung in self._factors and trial.state == TrialState.PRUNED and self._counts(trial, rung):
                mine, others = trial.intermediate_values[rung], self._others(study, trial.number, rung)
                found.append((self._wait(mine, others, rung), -rung, -mine, trial.number))
        return [(number, wait) for wait, _, _, number in sorted(found)]

    def _wait(self, mine: float, others: list[float], rung: int) -> float:
        """Return the wait of a trial with this score, given those of the other trials that reached the rung."""
        better, reached = sum(score > mine for score in others), len(others) + 1
        if better < self._places(rung, reached):
            return 0.0
        passing = math.prod(1 / factor for earlier, factor in self._factors.items() if earlier < rung)
        return (math.ceil(self._factors[rung] * (better + 1)) - reached) / passing

    def _others(self, study: Study, number: int, rung: int) -> list[float]:
        return [
            trial.intermediate_values[rung]
            for trial in study.get_trials(deepcopy=False)
            if trial.number != number and self._counts(trial, rung)
        ]

    def _counts(self, trial: FrozenTrial, rung: int) -> bool:
        """Return whether trials are compared with this one at a rung."""
        competes = self._competes is None or self._competes(trial.number)
        return competes and rung in trial.intermediate_values and not _is_left_out(trial, rung)


def _is_left_out(trial: FrozenTrial, rung: int) -> bool:
    """Return whether a trial failed, repeats another one, or was ended by a floor at this rung."""
    below_floor = trial.state == TrialState.PRUNED and trial.last_step == rung and not is_feasible(trial)
    return trial.state == TrialState.FAIL or REPEAT_OF in trial.user_attrs or below_floor

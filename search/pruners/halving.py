"""Asynchronous successive halving at a study's own rungs."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search.trials.floors import is_feasible
from search.trials.record import REPEAT_OF

__all__ = ["SuccessiveHalving"]


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
            of five evenly spaced rungs, four fifths.
        skip: number of first rungs at which no trial is pruned.
        competes: whether other trials are compared with the trial of this number; None: with all.
    """

    def __init__(
        self,
        rungs: tuple[int, ...],
        reduction_factor: float | None = None,
        skip: int = 0,
        competes: Callable[[int], bool] | None = None,
    ) -> None:
        costs = [after / before for before, after in pairwise(rungs)]
        factors = costs if reduction_factor is None else [reduction_factor] * len(costs)
        self._factors = dict(list(zip(rungs, factors, strict=False))[skip:])
        self._competes = competes

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether the trial ends at its last report."""
        rung = trial.last_step
        if rung is None or rung not in self._factors:
            return False
        mine, others = trial.intermediate_values[rung], self._others(study, trial.number, rung)
        places = max(1, math.floor((len(others) + 1) / self._factors[rung]))
        return sum(score > mine for score in others) >= places

    def _others(self, study: Study, number: int, rung: int) -> list[float]:
        return [
            trial.intermediate_values[rung]
            for trial in study.get_trials(deepcopy=False)
            if trial.number != number
            and rung in trial.intermediate_values
            and not _is_left_out(trial, rung)
            and (self._competes is None or self._competes(trial.number))
        ]


def _is_left_out(trial: FrozenTrial, rung: int) -> bool:
    """Return whether a trial failed, repeats another one, or was ended by a floor at this rung."""
    below_floor = trial.state == TrialState.PRUNED and trial.last_step == rung and not is_feasible(trial)
    return trial.state == TrialState.FAIL or REPEAT_OF in trial.user_attrs or below_floor

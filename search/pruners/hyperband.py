"""Hyperband at a study's own rungs."""

from __future__ import annotations

from functools import partial

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial

from search.pruners.halving import SuccessiveHalving

__all__ = ["Hyperband"]


class Hyperband(BasePruner):
    """A pruner of several successive halvings (brackets) that start to prune at different rungs; the last never prunes.

    Hyperband (Li et al. 2018, arXiv:1603.06560) hedges against uninformative early scores. All brackets shall cost
    about the same, so the earlier a bracket prunes, the more trials it gets. Trials are assigned by their numbers so
    that every stretch of a study has its share of each bracket. (Optuna's pruner of the same name uses a hash of the
    study's name and the trial's number: a renamed study prunes other trials, and a short one may prune none.)

    Args:
        rungs: where trials are scored, in training examples, ascending; the last is the end of a run.
        reduction_factor: see :class:`search.pruners.halving.SuccessiveHalving`.
    """

    def __init__(self, rungs: tuple[int, ...], reduction_factor: float | None = None) -> None:
        self._costs = rungs  # the least that a trial of each bracket costs: it is first judged there
        self._brackets = [
            SuccessiveHalving(rungs, reduction_factor, skip, partial(self._is_in, skip)) for skip in range(len(rungs))
        ]
        self._dealt: list[int] = []  # the bracket of each trial
        self._counts = [0] * len(rungs)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether the trial ends at its last report."""
        return self._brackets[self.bracket(trial.number)].prune(study, trial)

    def _is_in(self, bracket: int, number: int) -> bool:
        return self.bracket(number) == bracket

    def bracket(self, number: int) -> int:
        """Return the bracket of a trial: the number of rungs that it passes before it is judged."""
        while len(self._dealt) <= number:
            spent = [(count + 1) * cost for count, cost in zip(self._counts, self._costs, strict=True)]
            cheapest = spent.index(min(spent))
            self._dealt.append(cheapest)
            self._counts[cheapest] += 1
        return self._dealt[number]

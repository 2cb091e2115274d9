"""Hyperband at a study's own rungs."""

from __future__ import annotations

from functools import partial

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial

from search.pruners.halving import SuccessiveHalving

__all__ = ["Hyperband"]


class Hyperband(BasePruner):
    """Several successive halvings side by side, each starting to prune at another rung; the last never prunes.

    Hyperband (Li et al. 2018, arXiv:1603.06560) hedges against early scores that say little. All brackets are to cost
    about the same, so the more trials, the earlier they are pruned. Trials are dealt out evenly by their numbers: any
    stretch of a study has its share of every bracket. (Optuna's pruner of that name deals by a hash of the study's name
    and the trial's number, so that a study under another name prunes others, and short ones may prune none.)

    Args:
        rungs: where trials are scored, in training examples, rising; the last is the end of a run.
        reduction_factor: see :class:`search.pruners.halving.SuccessiveHalving`.
    """

    def __init__(self, rungs: tuple[int, ...], reduction_factor: float | None = None) -> None:
        self._costs = rungs  # what a trial of each bracket costs at least: it is first judged there
        self._brackets = [
            SuccessiveHalving(rungs, reduction_factor, skip, partial(self._is_in, skip)) for skip in range(len(rungs))
        ]
        self._dealt: list[int] = []  # the bracket of each trial
        self._counts = [0] * len(rungs)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial ends at its last report."""
        return self._brackets[self.bracket(trial.number)].prune(study, trial)

    def _is_in(self, bracket: int, number: int) -> bool:
        return self.bracket(number) == bracket

    def bracket(self, number: int) -> int:
        """The bracket of a trial: how many rungs it passes before it is judged."""
        while len(self._dealt) <= number:
            spent = [(count + 1) * cost for count, cost in zip(self._counts, self._costs, strict=True)]
            cheapest = spent.index(min(spent))
            self._dealt.append(cheapest)
            self._counts[cheapest] += 1
        return self._dealt[number]

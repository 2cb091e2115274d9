"""Never prune a trial that has reached its last rung."""

from __future__ import annotations

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial

__all__ = ["UntilLastRung"]


class UntilLastRung(BasePruner):
    """A pruner that asks another one at all rungs but the last: a trial trained to its end is complete, not pruned.

    As a wrapper, it also prevents Optuna from showing the sampler only the trials of the same bracket, as it does if
    the study's pruner is a HyperbandPruner. In a study of 20 trials, hardly any bracket would get past the sampler's
    random start; BOHB (Falkner et al. 2018) learns across brackets, too.

    Args:
        pruner: the other pruner.
        last_rung: in training examples.
    """

    def __init__(self, pruner: BasePruner, last_rung: int) -> None:
        self.pruner = pruner
        self.last_rung = last_rung

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether the trial should end here."""
        if trial.last_step is None or trial.last_step >= self.last_rung:
            return False
        return self.pruner.prune(study, trial)

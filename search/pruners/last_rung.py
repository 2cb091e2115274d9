"""A pruner that leaves alone a trial that has reached its last rung."""

from __future__ import annotations

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial

__all__ = ["UntilLastRung"]


class UntilLastRung(BasePruner):
    """Asks ``pruner`` at every rung but the last: a trial that has trained to its end is complete, not pruned.

    It also keeps Optuna from showing its sampler only the trials of the same bracket, which it does where a study's
    pruner is a HyperbandPruner. A study of 20 trials would then hardly leave the sampler's random start in any bracket;
    BOHB (Falkner et al. 2018) learns across brackets too.
    """

    def __init__(self, pruner: BasePruner, last_rung: int) -> None:
        self.pruner = pruner
        self.last_rung = last_rung

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial should end here."""
        if trial.last_step is None or trial.last_step >= self.last_rung:
            return False
        return self.pruner.prune(study, trial)

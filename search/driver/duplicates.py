"""Find trials whose configuration has been trained before, so that none is trained twice."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from core.config.run import stored_digest
from search.trials.record import CONFIG

__all__ = ["Duplicates"]


class Duplicates:
    """Know the configurations of all started trials, and find the trial that a new one would duplicate.

    Runs are deterministic: the same RunConfig gives the same curve. A trial can only duplicate trials with lower
    numbers, and trials are started in the order of their numbers. So after a crash, too, it is clear which of two equal
    trials is to be trained.

    Args:
        study: its started trials are read once, here.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._numbers: dict[str, set[int]] = {}  # by digest
        for trial in study.get_trials(deepcopy=False):
            if CONFIG in trial.user_attrs:
                self._add(trial.number, stored_digest(trial.user_attrs[CONFIG]))

    def add(self, number: int, config: RunConfig) -> None:
        """Note that trial ``number`` has started with this configuration."""
        self._add(number, config.digest)

    def original(self, number: int, config: RunConfig) -> FrozenTrial | None:
        """Return the first trial before ``number`` with this configuration, or None.

        Complete, pruned and running trials count; the configuration of a failed trial may be tried again.
        """
        earlier = sorted(other for other in self._numbers.get(config.digest, ()) if other < number)
        if not earlier:
            return None
        trials = self._study.get_trials(deepcopy=False)
        return next((trials[other] for other in earlier if trials[other].state != TrialState.FAIL), None)

    def _add(self, number: int, digest: str) -> None:
        self._numbers.setdefault(digest, set()).add(number)

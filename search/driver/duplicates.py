"""Which configurations a study has trained or is training, so that none is trained twice."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from core.config import RunConfig
from core.config.run import stored_digest
from search.trials.record import CONFIG

__all__ = ["Repeats"]


class Repeats:
    """Finds the trial that a new one would repeat: runs are deterministic, and the same RunConfig gives the same curve.

    Trials are begun in the order of their numbers, so that a trial repeats only those before it: of two that are the
    same, each after a crash knows again whether it is the one to be trained.

    Args:
        study: its trials that have begun are known from here on.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._numbers: dict[str, set[int]] = {}  # by digest
        for trial in study.get_trials(deepcopy=False):
            if CONFIG in trial.user_attrs:
                self._add(trial.number, stored_digest(trial.user_attrs[CONFIG]))

    def add(self, number: int, config: RunConfig) -> None:
        """Trial ``number`` has begun with this configuration."""
        self._add(number, config.digest)

    def original(self, number: int, config: RunConfig) -> FrozenTrial | None:
        """The first trial before ``number`` with this configuration that has finished, was pruned or is running.

        One that failed may be tried again.
        """
        earlier = sorted(other for other in self._numbers.get(config.digest, ()) if other < number)
        if not earlier:
            return None
        trials = self._study.get_trials(deepcopy=False)
        return next((trials[other] for other in earlier if trials[other].state != TrialState.FAIL), None)

    def _add(self, number: int, digest: str) -> None:
        self._numbers.setdefault(digest, set()).add(number)

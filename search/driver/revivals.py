"""Continue pruned trials that turn out to be among the best of their rung, from their checkpoints."""

from __future__ import annotations

from collections.abc import Iterable

import optuna
from optuna.trial import TrialState

from search.pruners.registry import MOST_REVIVABLE, UntilLastRung
from search.trials.folders import TrialFolders

__all__ = ["Revivals"]


class Revivals:
    """The pruned trials that may still continue, which keep their checkpoints and models.

    These are the ones that have to wait the shortest, see :meth:`search.pruners.halving.SuccessiveHalving.waits`. Which
    ones they are depends on the storage and the checkpoints alone.

    Args:
        study: its pruner says which trials wait.
        folders: of its trials.
    """

    def __init__(self, study: optuna.Study, folders: TrialFolders) -> None:
        self._study = study
        self._folders = folders
        self._numbers: set[int] = set()

    def find(self) -> None:
        """Look for the trials when a driver opens a study: those with a checkpoint."""
        pruned = self._study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
        self._numbers = self._shortest(trial.number for trial in pruned if self._folders.has_checkpoint(trial.number))

    def add(self, number: int) -> set[int]:
        """Note that a trial was pruned; return the trials that cannot continue any more, which may be this one."""
        candidates = {*self._numbers, number}
        self._numbers = self._shortest(candidates)
        return candidates - self._numbers

    def take(self) -> int | None:
        """Return a trial that is to continue now, once; None if there is none."""
        number = next((number for number, wait in self._waits(self._numbers) if not wait), None)
        if number is not None:
            self._numbers.discard(number)
        return number

    def give_up(self) -> set[int]:
        """Return all trials: the study continues none of them any more."""
        given_up, self._numbers = self._numbers, set()
        return given_up

    def __contains__(self, number: int) -> bool:
        """Return whether a trial may still continue."""
        return number in self._numbers

    @property
    def is_due(self) -> bool:
        """Whether a trial is to continue now."""
        return any(not wait for _, wait in self._waits(self._numbers))

    def _shortest(self, numbers: Iterable[int]) -> set[int]:
        return {number for number, _ in self._waits(numbers)[:MOST_REVIVABLE]}

    def _waits(self, numbers: Iterable[int]) -> list[tuple[int, float]]:
        pruner = self._study.pruner
        return pruner.waits(self._study, numbers) if isinstance(pruner, UntilLastRung) else []

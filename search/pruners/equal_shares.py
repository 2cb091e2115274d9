"""Compare runs of different lengths at equal shares of their budgets."""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from search.space.variants import VARIANT

__all__ = ["EqualShares", "StudyAtEqualShares"]


class EqualShares:
    """A translation of the steps of variants, each of which has rungs of its own, into those of the first variant.

    The rung of a run is that rung of the first variant which lies at the same share of its budget, up to rounding. A
    rung without one is left out: nothing is compared there.

    Args:
        rungs: of the first variant, in training examples, ascending; the last is the end of a run.
        own_rungs: of all variants, by name.
    """

    def __init__(self, rungs: tuple[int, ...], own_rungs: Mapping[str, tuple[int, ...]]) -> None:
        self._steps = {
            name: {mine: rung for mine in own for rung in rungs if _is_same_share(mine, own[-1], rung, rungs[-1])}
            for name, own in own_rungs.items()
        }

    def has(self, trial: FrozenTrial) -> bool:
        """Return whether the trial's last step is one at which it is compared."""
        return trial.last_step in self._steps_of(trial)

    def seen(self, trial: FrozenTrial) -> FrozenTrial:
        """Return the trial with the steps of the first variant."""
        steps = self._steps_of(trial)
        shown = copy.copy(trial)
        shown.intermediate_values = {
            steps[step]: score for step, score in trial.intermediate_values.items() if step in steps
        }
        return shown

    def _steps_of(self, trial: FrozenTrial) -> Mapping[int, int]:
        return self._steps.get(trial.params.get(VARIANT, ""), {})


class StudyAtEqualShares:
    """A study as pruners see it: with the trials of :meth:`EqualShares.seen`, and else like the study itself."""

    def __init__(self, study: Study, shares: EqualShares) -> None:
        self._study, self._shares = study, shares

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials."""
        return self.get_trials()

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        """Return the trials in the given states, by default all."""
        return [self._shares.seen(trial) for trial in self._study.get_trials(deepcopy, states)]


def _is_same_share(one: int, of_one: int, other: int, of_other: int) -> bool:
    """Return whether two rungs can be the same share of two lengths; each is rounded to a whole example."""
    return abs(one * of_other - other * of_one) <= (of_one + of_other) / 2

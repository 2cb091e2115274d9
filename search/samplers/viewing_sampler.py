"""A base for samplers that show another one a changed view of a study."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

__all__ = ["ViewingSampler"]


class ViewingSampler(BaseSampler):
    """A sampler that proposes what another one proposes for :meth:`view` of the study.

    Args:
        sampler: the other one.
    """

    def __init__(self, sampler: BaseSampler) -> None:
        self.sampler = sampler

    @abstractmethod
    def view(self, study: optuna.Study) -> Any:
        """Return what the sampler sees: the study itself, or a :class:`search.storage.optuna_internals.StudyView`."""

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Call the sampler's method."""
        self.sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the sampler's answer for the view."""
        return self.sampler.infer_relative_search_space(self.view(study), trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the sampler's answer for the view."""
        return self.sampler.sample_relative(self.view(study), trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return the sampler's answer for the view."""
        return self.sampler.sample_independent(self.view(study), trial, param_name, param_distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Call the sampler's method."""
        self.sampler.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Call the sampler's method."""
        self.sampler.reseed_rng()

"""Samplers that see a study otherwise than it is recorded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

__all__ = ["StudyView", "ViewingSampler"]


class StudyView:
    """Stands in for a study, with other trials.

    Args:
        study: answers everything else.
        trials: those to be seen.
    """

    def __init__(self, study: Any, trials: list[FrozenTrial]) -> None:
        self._study = study
        self._trials = trials

    def _get_trials(
        self,
        deepcopy: bool = True,  # noqa: ARG002  # samplers ask for none, and change none
        states: Container[TrialState] | None = None,
        use_cache: bool = False,  # noqa: ARG002
    ) -> list[FrozenTrial]:
        return [trial for trial in self._trials if states is None or trial.state in states]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)


class ViewingSampler(BaseSampler):
    """A sampler that is shown :meth:`view` of a study in its place.

    Args:
        sampler: proposes.
    """

    def __init__(self, sampler: BaseSampler) -> None:
        self.sampler = sampler

    @abstractmethod
    def view(self, study: optuna.Study) -> Any:
        """What the sampler sees: the study itself, or a :class:`StudyView`."""

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the sampler's."""
        self.sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the sampler's."""
        return self.sampler.infer_relative_search_space(self.view(study), trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler's."""
        return self.sampler.sample_relative(self.view(study), trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the sampler's."""
        return self.sampler.sample_independent(self.view(study), trial, param_name, param_distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """As the sampler's."""
        self.sampler.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """As the sampler's."""
        self.sampler.reseed_rng()

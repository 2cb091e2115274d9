"""Make Optuna's samplers by name, seeded so that a study is reproducible across restarts.

A sampler rebuilt with the same seed repeats its first proposals, and one that lives on has drawn an unknown number of
times when its process ends. The driver therefore makes a new sampler for each trial, seeded from the study's seed and
the trial's number: its proposals depend on the storage alone.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from pydantic import Field

from data.errors import UserError
from search.parsing.errors import StudyFileError
from search.parsing.named_choice import NamedChoice, Options, build
from search.samplers.history import bounded_history
from search.space.space import Space

__all__ = ["SAMPLERS", "SamplerChoice", "can_redraw", "make_sampler"]

KEY = ("sampler",)
_OF_A_FIXED_SET = (optuna.samplers.GridSampler, optuna.samplers.BruteForceSampler, optuna.samplers.QMCSampler)


class SamplerChoice(NamedChoice):
    """The name and options of a sampler."""


class TpeOptions(Options):
    """Tree-structured Parzen estimator (Bergstra et al. 2011), multivariate (Falkner et al. 2018)."""

    n_startup_trials: int = Field(10, ge=1, description="random trials before the model is used")
    n_ei_candidates: int = Field(24, ge=1, description="number of candidates; the best one is proposed")
    multivariate: bool = Field(True, description="model the settings jointly instead of one by one")
    group: bool | None = Field(
        None, description="one model for each set of settings that occur together; None: on if there are conditions"
    )
    constant_liar: bool = Field(True, description="avoid configurations that are running")


class GpOptions(Options):
    """Gaussian process with expected improvement."""

    n_startup_trials: int = Field(10, ge=1, description="random trials before the model is used")
    deterministic_objective: bool = Field(False, description="assume that the score has no noise")


class QmcOptions(Options):
    """Quasi-Monte Carlo: a sequence that covers the space evenly."""

    qmc_type: Literal["sobol", "halton"] = "sobol"
    scramble: bool = Field(True, description="randomise the sequence by the study's seed")


class CmaEsOptions(Options):
    """Covariance matrix adaptation (Hansen 2016), for numeric settings without conditions."""

    n_startup_trials: int = Field(1, ge=0, description="random trials before the strategy starts")
    sigma0: float | None = Field(None, gt=0.0, description="initial step size; None: a sixth of the range")
    popsize: int | None = Field(None, ge=2, description="trials per generation")
    consider_pruned_trials: bool = False
    use_separable_cma: bool = False
    with_margin: bool = False
    lr_adapt: bool = False


class NsgaIIOptions(Options):
    """A genetic algorithm (Deb et al. 2002)."""

    population_size: int = Field(50, ge=2, description="trials per generation")
    mutation_prob: float | None = Field(None, ge=0.0, le=1.0, description="None: 1 / number of settings")
    crossover_prob: float = Field(0.9, ge=0.0, le=1.0)
    swapping_prob: float = Field(0.5, ge=0.0, le=1.0)


@dataclass(frozen=True)
class _Seeds:
    """The seed of the study, for sequences that the storage continues, and of the trial, for samplers that draw."""

    study: int
    trial: int


_Make = Callable[[Any, _Seeds, Space], BaseSampler]


class _Grid(optuna.samplers.GridSampler):
    """A grid sampler for a study that uses ask and tell, and whose first trial may be enqueued."""

    def __init__(self, points: dict[str, list[Any]], seeds: _Seeds) -> None:
        super().__init__(points, seed=seeds.study)
        self.fallback = optuna.samplers.RandomSampler(seed=seeds.trial)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the grid's value; settings that an enqueued trial leaves open are drawn at random."""
        if "grid_id" not in trial.system_attrs:
            return self.fallback.sample_independent(study, trial, param_name, param_distribution)
        return super().sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, *_: object) -> None:
        """Do nothing: after the last point, GridSampler would stop ``study.optimize``, which is not running."""


def _tpe(options: TpeOptions, seeds: _Seeds, space: Space) -> BaseSampler:
    group = space.has_conditions and options.multivariate if options.group is None else options.group
    if group and not options.multivariate:
        raise StudyFileError((*KEY, "group"), "needs multivariate = true")
    with warnings.catch_warnings():
        # Optuna has called `group` experimental since 2.8; our tests cover what we use.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(**(options.model_dump() | {"group": group}), seed=seeds.trial)


def _grid(options: Options, seeds: _Seeds, space: Space) -> BaseSampler:  # noqa: ARG001
    try:
        return _Grid(space.grid(), seeds)
    except UserError as error:
        raise StudyFileError(KEY, str(error)) from error


def _qmc(options: QmcOptions, seeds: _Seeds, space: Space) -> BaseSampler:  # noqa: ARG001
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.QMCSampler(
            **options.model_dump(),
            seed=seeds.study,
            # The first trial and settings under a condition are drawn outside the sequence.
            independent_sampler=optuna.samplers.RandomSampler(seed=seeds.trial),
            warn_independent_sampling=False,
        )


def _cmaes(options: CmaEsOptions, seeds: _Seeds, space: Space) -> BaseSampler:  # noqa: ARG001
    if importlib.util.find_spec("cmaes") is None:
        raise StudyFileError(KEY, "'cmaes' needs the package cmaes; install it with: pip install cmaes")
    return optuna.samplers.CmaEsSampler(**options.model_dump(), seed=seeds.trial, warn_independent_sampling=False)


def _plain(kind: Callable[..., BaseSampler], **fixed: Any) -> _Make:
    """Return a function that makes a sampler of Optuna's from its options and the trial's seed."""
    return lambda options, seeds, _: kind(**options.model_dump(), **fixed, seed=seeds.trial)


SAMPLERS: dict[str, tuple[type[Options], _Make]] = {
    "tpe": (TpeOptions, _tpe),
    "gp": (GpOptions, _plain(optuna.samplers.GPSampler, warn_independent_sampling=False)),
    "random": (Options, _plain(optuna.samplers.RandomSampler)),
    "grid": (Options, _grid),
    "qmc": (QmcOptions, _qmc),
    "cmaes": (CmaEsOptions, _cmaes),
    "nsgaii": (NsgaIIOptions, _plain(optuna.samplers.NSGAIISampler)),
}
"""Name -> options, and the function that makes the sampler."""


def make_sampler(
    choice: SamplerChoice, study_seed: int, trial_number: int, space: Space, attempt: int = 0
) -> BaseSampler:
    """Make the sampler that proposes trial ``trial_number``; each trial needs a new one.

    A class given as ``package.module:Class`` gets its options as arguments, and ``seed`` if it takes one.

    Args:
        choice: name and options.
        trial_number: from 0.
        space: what is searched.
        attempt: number of proposals for this trial that were discarded.

    Raises:
        UserError: if the sampler does not exist, or does not support these options or this space.
    """
    # The first attempt keeps the seed that it had before there were others: SeedSequence pads with zeros.
    sequence = np.random.SeedSequence([study_seed, trial_number, attempt])
    seeds = _Seeds(study_seed, int(sequence.generate_state(1)[0]))
    base: type[BaseSampler] = BaseSampler  # type: ignore[type-abstract]  # imported classes derive from it
    sampler = build(choice, SAMPLERS, base, KEY, seeds, space, seed=seeds.trial)
    return bounded_history(choice.name, sampler, seeds.trial)


def can_redraw(sampler: BaseSampler) -> bool:
    """Return whether another seed can change the proposal; in a fixed set, each trial has its own point."""
    return not isinstance(sampler, _OF_A_FIXED_SET)

"""Optuna's samplers by name, seeded so that a study repeats itself across restarts.

A sampler rebuilt with the same seed repeats its first proposals, and one that lives on has drawn an unknown number of
times when its process ends. So the driver makes a new sampler for every trial, seeded from the study's seed and the
trial's number: what it proposes then depends on the storage alone.
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
from search.parsing.named_choice import NamedChoice, Options, build_imported, parse_options, unknown_name
from search.samplers.bounded_history import bounded_history
from search.space.space import Space

__all__ = ["SAMPLERS", "SamplerChoice", "draws_anew", "make_sampler", "random_sampler"]

KEY = ("sampler",)
_OF_A_FIXED_SET = (optuna.samplers.GridSampler, optuna.samplers.BruteForceSampler, optuna.samplers.QMCSampler)


class SamplerChoice(NamedChoice):
    """A sampler's name and options."""


class TpeOptions(Options):
    """Tree-structured Parzen estimator (Bergstra et al. 2011), multivariate (Falkner et al. 2018)."""

    n_startup_trials: int = Field(10, ge=1, description="random trials before the model speaks")
    n_ei_candidates: int = Field(24, ge=1, description="candidates of which the best is proposed")
    multivariate: bool = Field(True, description="model the settings together, not one by one")
    group: bool | None = Field(
        None, description="one model for each set of settings searched together; None: on with conditions"
    )
    constant_liar: bool = Field(True, description="keep away from what is running now")


class GpOptions(Options):
    """Gaussian process with expected improvement."""

    n_startup_trials: int = Field(10, ge=1, description="random trials before the model speaks")
    deterministic_objective: bool = Field(False, description="the score has no noise")


class QmcOptions(Options):
    """Quasi-Monte Carlo: a sequence that fills the space evenly."""

    qmc_type: Literal["sobol", "halton"] = "sobol"
    scramble: bool = Field(True, description="shift the sequence by the study's seed")


class CmaEsOptions(Options):
    """Covariance matrix adaptation (Hansen 2016); for numbers, without conditions."""

    n_startup_trials: int = Field(1, ge=0, description="random trials before the strategy begins")
    sigma0: float | None = Field(None, gt=0.0, description="initial step; None: a sixth of the range")
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
    """``study`` where the sequence comes from the storage, ``trial`` where the sampler draws by itself."""

    study: int
    trial: int


class _Grid(optuna.samplers.GridSampler):
    """A grid for a study that is asked and told, and whose first trial may be enqueued."""

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
        """The grid's value; an enqueued trial is no point of the grid, and what it leaves open is drawn at random."""
        if "grid_id" not in trial.system_attrs:
            return self.fallback.sample_independent(study, trial, param_name, param_distribution)
        return super().sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, *_: object) -> None:
        """Go on when every point was visited; GridSampler would stop ``study.optimize``, which nobody called."""


def _tpe(options: TpeOptions, seeds: _Seeds, space: Space) -> BaseSampler:
    group = space.has_conditions and options.multivariate if options.group is None else options.group
    if group and not options.multivariate:
        raise StudyFileError((*KEY, "group"), "needs multivariate = true")
    with warnings.catch_warnings():
        # `group` is called experimental since 2.8; our tests hold it to what we use.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(**(options.model_dump() | {"group": group}), seed=seeds.trial)


def _gp(options: GpOptions, seeds: _Seeds, space: Space) -> BaseSampler:  # noqa: ARG001
    return optuna.samplers.GPSampler(**options.model_dump(), seed=seeds.trial, warn_independent_sampling=False)


def _random(options: Options, seeds: _Seeds, space: Space) -> BaseSampler:  # noqa: ARG001
    return optuna.samplers.RandomSampler(seed=seeds.trial)


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
            # The first trial, and settings under a condition, are drawn outside the sequence.
            independent_sampler=optuna.samplers.RandomSampler(seed=seeds.trial),
            warn_independent_sampling=False,
        )


def _cmaes(options: CmaEsOptions, seeds: _Seeds, space: Space) -> BaseSampler:  # noqa: ARG001
    if importlib.util.find_spec("cmaes") is None:
        raise StudyFileError(KEY, "'cmaes' needs the package cmaes; install it with: pip install cmaes")
    return optuna.samplers.CmaEsSampler(**options.model_dump(), seed=seeds.trial, warn_independent_sampling=False)


def _nsgaii(options: NsgaIIOptions, seeds: _Seeds, space: Space) -> BaseSampler:  # noqa: ARG001
    return optuna.samplers.NSGAIISampler(**options.model_dump(), seed=seeds.trial)


SAMPLERS: dict[str, tuple[type[Options], Callable[[Any, _Seeds, Space], BaseSampler]]] = {
    "tpe": (TpeOptions, _tpe),
    "gp": (GpOptions, _gp),
    "random": (Options, _random),
    "grid": (Options, _grid),
    "qmc": (QmcOptions, _qmc),
    "cmaes": (CmaEsOptions, _cmaes),
    "nsgaii": (NsgaIIOptions, _nsgaii),
}
"""Name -> options and how it is made."""


def make_sampler(
    choice: SamplerChoice, study_seed: int, trial_number: int, space: Space, attempt: int = 0
) -> BaseSampler:
    """The sampler that proposes trial ``trial_number``; make a new one for each.

    A class given as ``package.module:Class`` is made from its options, and gets ``seed`` if it takes one.

    Args:
        choice: by name.
        study_seed: of the study.
        trial_number: from 0.
        space: what is searched.
        attempt: how many proposals for this trial were thrown away.

    Raises:
        UserError: if there is no such sampler, or its options or the space do not suit it.
    """
    seeds = _Seeds(study_seed, _trial_seed(study_seed, trial_number, attempt))
    if ":" in choice.name:
        return build_imported(choice, BaseSampler, KEY, seed=seeds.trial)  # type: ignore[type-abstract]  # a base to derive from
    if choice.name not in SAMPLERS:
        raise unknown_name(choice, SAMPLERS, KEY)
    model, make = SAMPLERS[choice.name]
    return bounded_history(choice.name, make(parse_options(choice, model, KEY), seeds, space), seeds.trial)


def random_sampler(study_seed: int, trial_number: int, attempt: int) -> BaseSampler:
    """Draws uniformly, whatever the study's sampler is."""
    return optuna.samplers.RandomSampler(seed=_trial_seed(study_seed, trial_number, attempt))


def draws_anew(sampler: BaseSampler) -> bool:
    """Whether another seed may give another proposal; of a fixed set, each trial has its own point."""
    return not isinstance(sampler, _OF_A_FIXED_SET)


def _trial_seed(study_seed: int, trial_number: int, attempt: int) -> int:
    # The first attempt's seed is what it was before there were others: a SeedSequence takes missing words for zeros.
    return int(np.random.SeedSequence([study_seed, trial_number, attempt]).generate_state(1)[0])

"""Optuna's pruners by name, set to the rungs at which runs are scored.

Steps are training examples, and the score is the overall score, which is maximised. Asked again about a rung at which
it has decided, a halving pruner lets the trial go on: an answer must be acted on when it is given.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, Self

import optuna
from optuna.pruners import BasePruner
from pydantic import Field, model_validator

from search.keyed_error import KeyedError
from search.last_rung import UntilLastRung
from search.named_choice import NamedChoice, Options, build_imported, parse_options, unknown_name

__all__ = ["PRUNERS", "PrunerChoice", "make_pruner"]

KEY = ("pruner",)


class PrunerChoice(NamedChoice):
    """A pruner's name and options."""


class HyperbandOptions(Options):
    """Hyperband (Li et al. 2018): several successive halvings, each starting to prune at another rung."""

    reduction_factor: int = Field(3, ge=2, description="eta: one of eta trials goes on, with eta times the examples")


class HalvingOptions(Options):
    """Asynchronous successive halving (Li et al. 2020)."""

    reduction_factor: int = Field(3, ge=2, description="eta: one of eta trials goes on, with eta times the examples")
    min_early_stopping_rate: int = Field(0, ge=0, description="s: first pruning at eta^s times the first rung")


class MedianOptions(Options):
    """Below the median of the finished trials at the same rung (Golovin et al. 2017)."""

    n_startup_trials: int = Field(5, ge=0, description="finished trials before any is pruned")
    n_warmup_steps: int | None = Field(
        None, ge=0, description="no pruning before so many examples; None: the first rung"
    )


class PercentileOptions(MedianOptions):
    """Not among the best ``percentile`` per cent of the finished trials at the same rung."""

    percentile: float = Field(50.0, gt=0.0, lt=100.0, description="per cent that is kept")


class PatientOptions(Options):
    """Another pruner, which is asked only once a trial has stopped improving."""

    patience: int = Field(1, ge=0, description="rungs without a better score")
    min_delta: float = Field(0.0, ge=0.0, description="what counts as better")
    wraps: str | dict[str, Any] = Field("median", description="the other pruner")


class ThresholdOptions(Options):
    """A score outside fixed bounds."""

    lower: float | None = Field(None, description="prune below")
    upper: float | None = Field(None, description="prune above")
    n_warmup_steps: int | None = Field(
        None, ge=0, description="no pruning before so many examples; None: the first rung"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError("needs lower or upper, for example lower = 0.5")
        return self


def _hyperband(options: HyperbandOptions, rungs: tuple[int, ...]) -> BasePruner:
    eta = options.reduction_factor
    return optuna.pruners.HyperbandPruner(_first_resource(rungs, eta), rungs[-1], eta)


def _halving(options: HalvingOptions, rungs: tuple[int, ...]) -> BasePruner:
    eta = options.reduction_factor
    return optuna.pruners.SuccessiveHalvingPruner(_first_resource(rungs, eta), eta, options.min_early_stopping_rate)


def _median(options: MedianOptions, rungs: tuple[int, ...]) -> BasePruner:
    return optuna.pruners.MedianPruner(options.n_startup_trials, _warmup(options.n_warmup_steps, rungs))


def _percentile(options: PercentileOptions, rungs: tuple[int, ...]) -> BasePruner:
    warmup = _warmup(options.n_warmup_steps, rungs)
    return optuna.pruners.PercentilePruner(options.percentile, options.n_startup_trials, warmup)


def _patient(options: PatientOptions, rungs: tuple[int, ...]) -> BasePruner:
    try:
        wrapped = _make(PrunerChoice.parse(options.wraps, KEY), rungs)
    except KeyedError as error:
        raise KeyedError((*KEY, "wraps", *error.key[1:]), error.what) from error
    with warnings.catch_warnings():
        # Called experimental since 2.8; our tests hold it to what we use.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.pruners.PatientPruner(wrapped, options.patience, options.min_delta)


def _threshold(options: ThresholdOptions, rungs: tuple[int, ...]) -> BasePruner:
    return optuna.pruners.ThresholdPruner(options.lower, options.upper, _warmup(options.n_warmup_steps, rungs))


def _none(options: Options, rungs: tuple[int, ...]) -> BasePruner:  # noqa: ARG001
    return optuna.pruners.NopPruner()


PRUNERS: dict[str, tuple[type[Options], Callable[[Any, tuple[int, ...]], BasePruner]]] = {
    "hyperband": (HyperbandOptions, _hyperband),
    "halving": (HalvingOptions, _halving),
    "median": (MedianOptions, _median),
    "percentile": (PercentileOptions, _percentile),
    "patient": (PatientOptions, _patient),
    "threshold": (ThresholdOptions, _threshold),
    "none": (Options, _none),
}
"""Name -> options and how it is made."""


def make_pruner(choice: PrunerChoice, rungs: tuple[int, ...]) -> UntilLastRung:
    """The pruner of a study whose trials are scored at these rungs, in training examples, rising.

    Raises:
        UserError: if there is no such pruner, or its options are wrong.
    """
    return UntilLastRung(_make(choice, rungs), rungs[-1])


def _make(choice: PrunerChoice, rungs: tuple[int, ...]) -> BasePruner:
    if ":" in choice.name:
        return build_imported(choice, BasePruner, KEY)  # type: ignore[type-abstract]  # a base to derive from
    if choice.name not in PRUNERS:
        raise unknown_name(choice, PRUNERS, KEY)
    model, make = PRUNERS[choice.name]
    return make(parse_options(choice, model, KEY), rungs)


def _first_resource(rungs: tuple[int, ...], eta: int) -> int:
    """Optuna's ``min_resource`` r: the first rung, less what rounding may have taken from the later ones.

    A decision falls at the first rung that is not below r * eta^k. With rungs 167, 333, 500 and eta 2, r = 167 would
    wait at 333 for 334 examples, and decide at 500 instead, where the run is over.
    """
    resource = rungs[0]
    for rung in rungs:
        power = round(math.log(rung / rungs[0], eta))
        if abs(rung - rungs[0] * eta**power) <= eta**power:
            resource = min(resource, rung // eta**power)
    return max(resource, 1)


def _warmup(steps: int | None, rungs: tuple[int, ...]) -> int:
    return rungs[0] if steps is None else steps

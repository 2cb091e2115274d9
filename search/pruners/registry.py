"""Make pruners by name, configured for the rungs at which runs are scored.

Steps are training examples, and the score is the overall score, which is maximised. Successive halving and Hyperband
are our own and decide at the study's rungs; the others are Optuna's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

import optuna
from optuna.pruners import BasePruner
from pydantic import Field, model_validator

from search.parsing.errors import StudyFileError
from search.parsing.named_choice import NamedChoice, Options, build_imported, unknown_name
from search.parsing.pydantic_messages import validated
from search.pruners.halving import SuccessiveHalving
from search.pruners.hyperband import Hyperband
from search.pruners.last_rung import UntilLastRung

__all__ = ["PRUNERS", "PrunerChoice", "make_pruner"]

KEY = ("pruner",)


class PrunerChoice(NamedChoice):
    """The name and options of a pruner."""


class HyperbandOptions(Options):
    """Hyperband (Li et al. 2018): several successive halvings that start to prune at different rungs."""

    reduction_factor: float | None = Field(
        None,
        gt=1.0,
        description="one in this many trials continues; None: cost of the next rung / this one",
    )


class HalvingOptions(HyperbandOptions):
    """Asynchronous successive halving (Li et al. 2020)."""

    skip: int = Field(0, ge=0, description="number of first rungs at which no trial is pruned")


class MedianOptions(Options):
    """Below the median of the finished trials at the same rung (Golovin et al. 2017)."""

    n_startup_trials: int = Field(5, ge=0, description="number of finished trials before any is pruned")
    n_warmup_steps: int | None = Field(
        None, ge=0, description="no pruning before this many examples; None: the first rung"
    )


class PercentileOptions(MedianOptions):
    """Outside the best ``percentile`` per cent of the finished trials at the same rung."""

    percentile: float = Field(50.0, gt=0.0, lt=100.0, description="per cent of trials to keep")


class PatientOptions(Options):
    """Another pruner, asked only after a trial has stopped improving."""

    patience: int = Field(1, ge=0, description="rungs without improvement")
    min_delta: float = Field(0.0, ge=0.0, description="smallest improvement that counts")
    wraps: str | dict[str, Any] = Field("median", description="the other pruner")


class ThresholdOptions(Options):
    """A score outside of fixed bounds."""

    lower: float | None = Field(None, description="prune below")
    upper: float | None = Field(None, description="prune above")
    n_warmup_steps: int | None = Field(
        None, ge=0, description="no pruning before this many examples; None: the first rung"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lower is None and self.upper is None:
            raise ValueError("needs lower or upper, for example lower = 0.5")
        return self


def _hyperband(options: HyperbandOptions, rungs: tuple[int, ...]) -> BasePruner:
    return Hyperband(rungs, options.reduction_factor)


def _halving(options: HalvingOptions, rungs: tuple[int, ...]) -> BasePruner:
    if options.skip and options.skip >= len(rungs) - 1:
        raise StudyFileError(
            (*KEY, "skip"),
            f"skipping {options.skip} of {len(rungs)} rungs leaves none to prune at; the last is the end of a run",
        )
    return SuccessiveHalving(rungs, options.reduction_factor, options.skip)


def _median(options: MedianOptions, rungs: tuple[int, ...]) -> BasePruner:
    return optuna.pruners.MedianPruner(options.n_startup_trials, _warmup(options.n_warmup_steps, rungs))


def _percentile(options: PercentileOptions, rungs: tuple[int, ...]) -> BasePruner:
    warmup = _warmup(options.n_warmup_steps, rungs)
    return optuna.pruners.PercentilePruner(options.percentile, options.n_startup_trials, warmup)


def _patient(options: PatientOptions, rungs: tuple[int, ...]) -> BasePruner:
    try:
        wrapped = _make(PrunerChoice.parse(options.wraps, KEY), rungs)
    except StudyFileError as error:
        raise StudyFileError((*KEY, "wraps", *error.key[1:]), error.what) from error
    with warnings.catch_warnings():
        # Optuna has called it experimental since 2.8; our tests cover what we use.
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
"""Name -> options, and the function that makes the pruner."""


def make_pruner(choice: PrunerChoice, rungs: tuple[int, ...]) -> UntilLastRung:
    """Make the pruner of a study whose trials are scored at these rungs, in training examples, ascending.

    Raises:
        UserError: if the pruner does not exist, or its options are wrong.
    """
    return UntilLastRung(_make(choice, rungs), rungs[-1])


def _make(choice: PrunerChoice, rungs: tuple[int, ...]) -> BasePruner:
    if ":" in choice.name:
        return build_imported(choice, BasePruner, KEY)  # type: ignore[type-abstract]  # a base to derive from
    if choice.name not in PRUNERS:
        raise unknown_name(choice, PRUNERS, KEY)
    model, make = PRUNERS[choice.name]
    return make(validated(model, choice.options, KEY), rungs)


def _warmup(steps: int | None, rungs: tuple[int, ...]) -> int:
    return rungs[0] if steps is None else steps

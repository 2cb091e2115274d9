"""Make pruners by name, configured for the rungs at which runs are scored.

Steps are training examples, and the score is the overall score, which is maximised. Successive halving and Hyperband
are our own and decide at the study's rungs; the others are Optuna's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Self, cast

import optuna
from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial
from pydantic import Field, model_validator

from search.parsing.errors import StudyFileError
from search.parsing.named_choice import NamedChoice, Options, build, reported_as_users
from search.pruners.equal_shares import EqualShares, StudyAtEqualShares
from search.pruners.halving import SuccessiveHalving
from search.pruners.hyperband import Hyperband

__all__ = ["MOST_REVIVABLE", "PRUNERS", "PrunerChoice", "UntilLastRung", "make_pruner"]

KEY = ("pruner",)
MOST_REVIVABLE = 2
"""Number of pruned trials that keep their checkpoints; on recorded curves, more hardly help (docs/search.md)."""
_WarmupSteps = Annotated[
    int | None, Field(ge=0, description="no pruning before this many examples; None: the first rung")
]
_Make = Callable[[Any, tuple[int, ...]], BasePruner]


class PrunerChoice(NamedChoice):
    """The name and options of a pruner."""

    @property
    def revivable(self) -> int:
        """Number of pruned trials that may continue, and therefore keep their checkpoints and models."""
        does_revive = self.name == "halving" and HalvingOptions.model_validate(self.options).revive
        return MOST_REVIVABLE if does_revive else 0


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
    revive: bool = Field(False, description="continue pruned trials that turn out to be among the best of their rung")


class MedianOptions(Options):
    """Below the median of the finished trials at the same rung (Golovin et al. 2017)."""

    n_startup_trials: int = Field(5, ge=0, description="number of finished trials before any is pruned")
    n_warmup_steps: _WarmupSteps = None


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
    n_warmup_steps: _WarmupSteps = None

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
    return SuccessiveHalving(rungs, options.reduction_factor, options.skip, revive=options.revive)


def _patient(options: PatientOptions, rungs: tuple[int, ...]) -> BasePruner:
    try:
        wrapped = _build(PrunerChoice.parse(options.wraps, KEY), rungs)
    except StudyFileError as error:
        raise StudyFileError((*KEY, "wraps", *error.key[1:]), error.what) from error
    with warnings.catch_warnings():
        # Optuna has called it experimental since 2.8; our tests cover what we use.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.pruners.PatientPruner(wrapped, options.patience, options.min_delta)


def _plain(kind: Callable[..., BasePruner]) -> _Make:
    """Return a function that makes a pruner of Optuna's from its options."""

    def make(options: Options, rungs: tuple[int, ...]) -> BasePruner:
        given = options.model_dump()
        if "n_warmup_steps" in given and given["n_warmup_steps"] is None:
            given["n_warmup_steps"] = rungs[0]
        return kind(**given)

    return make


PRUNERS: dict[str, tuple[type[Options], _Make]] = {
    "hyperband": (HyperbandOptions, _hyperband),
    "halving": (HalvingOptions, _halving),
    "median": (MedianOptions, _plain(optuna.pruners.MedianPruner)),
    "percentile": (PercentileOptions, _plain(optuna.pruners.PercentilePruner)),
    "patient": (PatientOptions, _patient),
    "threshold": (ThresholdOptions, _plain(optuna.pruners.ThresholdPruner)),
    "none": (Options, _plain(optuna.pruners.NopPruner)),
}
"""Name -> options, and the function that makes the pruner."""


def make_pruner(
    choice: PrunerChoice, rungs: tuple[int, ...], own_rungs: Mapping[str, tuple[int, ...]] | None = None
) -> UntilLastRung:
    """Make the pruner of a study; all rungs are in training examples, ascending.

    Args:
        choice: the pruner's name and options.
        rungs: where trials are scored.
        own_rungs: of the variants of a comparison, by name, if they differ: ``rungs`` are then those of the first one,
            and the others are compared with it, and with one another, at equal shares of their budgets.

    Raises:
        UserError: if the pruner does not exist, or its options are wrong.
    """
    shares = EqualShares(rungs, own_rungs) if own_rungs else None
    return UntilLastRung(_build(choice, rungs), rungs[-1], choice, shares)


def _build(choice: PrunerChoice, rungs: tuple[int, ...]) -> BasePruner:
    base: type[BasePruner] = BasePruner  # type: ignore[type-abstract]  # imported classes derive from it
    return build(choice, PRUNERS, base, KEY, rungs)


class UntilLastRung(BasePruner):
    """A pruner that asks another one at all rungs but the last: a trial trained to its end is complete, not pruned.

    As a wrapper, it also prevents Optuna from showing the sampler only the trials of the same bracket, as it does if
    the study's pruner is a HyperbandPruner. In a study of 20 trials, hardly any bracket would get past the sampler's
    random start; BOHB (Falkner et al. 2018) learns across brackets, too.

    Args:
        last_rung: in training examples.
        choice: names the pruner in messages.
        shares: how runs of different lengths are compared; None: all have the same rungs.
    """

    def __init__(
        self, pruner: BasePruner, last_rung: int, choice: PrunerChoice, shares: EqualShares | None = None
    ) -> None:
        self.pruner = pruner
        self.last_rung = last_rung
        self.choice = choice
        self.shares = shares

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether the trial should end here."""
        if self.shares is not None:
            if not self.shares.has(trial):
                return False
            study = cast(Study, StudyAtEqualShares(study, self.shares))
            trial = self.shares.seen(trial)
        if trial.last_step is None or trial.last_step >= self.last_rung:
            return False
        with reported_as_users(self.choice, "pruner"):
            return self.pruner.prune(study, trial)

    def waits(self, study: Study, numbers: Iterable[int]) -> list[tuple[int, float]]:
        """Return which of these trials could still continue; none if the pruner ends trials for good.

        See :meth:`search.pruners.halving.SuccessiveHalving.waits`.
        """
        if not isinstance(self.pruner, SuccessiveHalving):
            return []
        if self.shares is not None:
            study = cast(Study, StudyAtEqualShares(study, self.shares))
        return self.pruner.waits(study, numbers)

"""The one place that knows Optuna's internals: trials that outlive their process.

Optuna can create a trial (``study.ask``) and end it (``study.tell``), but not take up one that a dead process left
RUNNING, nor propose again what a killed process had only half written down. What this needs, all tested against the
installed version:

- ``optuna.trial.Trial(study, trial_id)`` takes up a trial. Its constructor calls ``sampler.before_trial``; the
  parameters already stored are returned by ``suggest_*`` without any sampling.
- A trial whose proposal was cut short is proposed anew from the first parameter: the sampler is seeded by the trial's
  number, so it repeats itself only if it starts from the beginning.
- ``SuccessiveHalvingPruner`` (and Hyperband through it) notes on the trial that it has judged a rung, and then lets
  the trial pass when it is asked about that rung again. Its notes are therefore held back until the decision is stored.
- Samplers of finite spaces (``BruteForceSampler``) call ``study.stop()`` in ``tell`` when nothing is left to propose,
  which outside ``study.optimize`` raises, after the result was stored.
"""

from __future__ import annotations

from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

__all__ = ["ask", "next_number", "propose_again", "reported_steps", "running_trials", "should_prune", "take_up", "tell"]

PRUNED_AT = "pruned_at"


def next_number(study: optuna.Study) -> int:
    """The number of the trial that :func:`ask` will return: the oldest enqueued one, else a new one."""
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return waiting[0].number if waiting else len(study.get_trials(deepcopy=False))


def running_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that somebody began and nobody ended, in order of their numbers."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def ask(study: optuna.Study, sampler: BaseSampler) -> Trial:
    """A new trial whose parameters will come from ``sampler``."""
    study.sampler = sampler
    return study.ask()


def take_up(study: optuna.Study, number: int) -> Trial:
    """A RUNNING trial whose parameters are all stored; no sampler has a part in it."""
    study.sampler = RandomSampler(seed=0)  # without memory, so that its hooks change nothing
    return _reopen(study, number)


def propose_again(study: optuna.Study, number: int, sampler: BaseSampler) -> Trial:
    """A RUNNING trial whose parameters are missing in part: all of them are proposed, as :func:`ask` did it."""
    study.sampler = sampler
    trial = _reopen(study, number)
    trial._cached_frozen_trial.params = {}
    trial._cached_frozen_trial.distributions = {}
    return trial


def _reopen(study: optuna.Study, number: int) -> Trial:
    return Trial(study, study._storage.get_trial_id_from_study_id_trial_number(study._study_id, number))


def reported_steps(trial: Trial) -> set[int]:
    """Steps at which the trial has a value; Optuna ignores a second one."""
    return set(trial._cached_frozen_trial.intermediate_values)


def should_prune(trial: Trial) -> bool:
    """Whether the pruner ends the trial at its last report; asked again after a crash, the answer is the same."""
    if PRUNED_AT in trial.user_attrs:
        return True
    study = trial.study
    storage = study._storage
    held_back = _HeldBack(storage)
    study._storage = held_back  # type: ignore[assignment]  # a stand-in that passes everything else on
    try:
        prune = trial.should_prune()
    finally:
        study._storage = storage
    if prune:
        trial.set_user_attr(PRUNED_AT, max(reported_steps(trial)))
    for arguments in held_back.trial_attrs:
        storage.set_trial_system_attr(*arguments)
    return prune


class _HeldBack:
    """A storage whose trials' system attributes are written later."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage
        self.trial_attrs: list[tuple[int, str, Any]] = []

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.trial_attrs.append((trial_id, key, value))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


def tell(
    study: optuna.Study, trial: Trial, sampler: BaseSampler, state: TrialState, value: float | None = None
) -> None:
    """End the trial.

    Args:
        sampler: made for this trial, as the one that proposed it was.
        state: COMPLETE with ``value``, or PRUNED (Optuna takes the last report as its value), or FAIL.
    """
    study.sampler = sampler
    try:
        study.tell(trial, value, state=state)
    except RuntimeError:
        if not study.get_trials(deepcopy=False)[trial.number].state.is_finished():
            raise

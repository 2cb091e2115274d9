"""The one place that knows Optuna's internals: trials that outlive their process.

Optuna can create a trial (``study.ask``) and end it (``study.tell``), but not take up one that a dead process left
RUNNING. What this needs, all tested against the installed version:

- ``optuna.trial.Trial(study, trial_id)`` takes up a trial. Its constructor calls ``sampler.before_trial``; parameters
  already stored are returned by ``suggest_*`` without any sampling.
- A proposal is several writes, and some samplers would propose something else after half of them: TPE's start-up
  trials draw parameter by parameter, QMC advances a counter in the study, GP takes the half-made trial for a running
  one. So all writes of a proposal are held back, stored as one (a write-ahead log), and then done; whoever takes the
  trial up either finds nothing and proposes from the beginning, or does them again. A proposal that is not wanted is
  thrown away with its log.
- ``SuccessiveHalvingPruner`` (and Hyperband through it) notes on the trial that it has judged a rung, and lets the
  trial pass when it is asked about that rung again. A decision to prune is therefore logged in the same way.
- Writes that belong together are one transaction where the storage has such
  (``search/storage/batched_storage.py``). The logs are for journal files and memory, which have none.
- Samplers of finite spaces (``BruteForceSampler``) call ``study.stop()`` in ``tell`` when nothing is left to propose,
  which outside ``study.optimize`` raises, after the result was stored.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from search.storage.batched_storage import run_batch

__all__ = [
    "Redraws",
    "ask",
    "copy_reports",
    "in_one_batch",
    "next_number",
    "reported_steps",
    "running_trials",
    "should_prune",
    "stored_trial",
    "take_up",
    "tell",
]

GIVEN = "fixed_params"  # where Optuna keeps the parameters of an enqueued trial
PROPOSAL = "onebert:proposal"
PRUNED = "onebert:pruned"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Redraws(Generic[T]):
    """What to do about a proposal that is not wanted, unless its parameters were given.

    Attributes:
        wanted: whether a proposal may stay.
        samplers: propose in its place, one after the other, until one is wanted. If none is, the first proposal stays.
    """

    wanted: Callable[[T], bool]
    samplers: Iterable[BaseSampler]


def next_number(study: optuna.Study) -> int:
    """The number of the trial that :func:`ask` will return: the oldest enqueued one, else a new one."""
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return waiting[0].number if waiting else len(study.get_trials(deepcopy=False))


def running_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Trials that somebody began and nobody ended, in order of their numbers."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def in_one_batch(trial: Trial, write: Callable[[], T]) -> T:
    """What ``write()`` returns, its writes to the trial and its study done as one transaction, as ``run_batch`` does.

    It may be called again after a failure, and then finds the trial as it was.
    """
    before = copy.deepcopy(trial._cached_frozen_trial)

    def attempt() -> T:
        trial._cached_frozen_trial = copy.deepcopy(before)
        return write()

    return run_batch(trial.storage, attempt)


def ask(
    study: optuna.Study,
    sampler: BaseSampler,
    suggest: Callable[[Trial], T],
    begin: Callable[[Trial, T], R],
    redraws: Redraws[T] | None = None,
) -> R:
    """What ``begin`` makes of a new trial and of what ``suggest`` made of the parameters that ``sampler`` proposes.

    ``begin`` is called when the parameters are stored, in the same transaction; see :func:`in_one_batch`.
    """
    study.sampler = sampler
    return _propose(study.ask(), suggest, begin, redraws)


def take_up(
    study: optuna.Study,
    number: int,
    sampler: BaseSampler,
    suggest: Callable[[Trial], T],
    begin: Callable[[Trial, T], R],
    redraws: Redraws[T] | None = None,
) -> R:
    """As :func:`ask` for a RUNNING trial: its parameters are those stored, or else those that ``ask`` had made.

    Args:
        sampler: made for this trial, as for :func:`ask`.
        redraws: as for :func:`ask`.
    """
    stored = study.get_trials(deepcopy=False)[number]  # also lets the storage's cache know the trial
    trial_id, log = stored._trial_id, stored.system_attrs.get(PROPOSAL)
    if log is None:
        study.sampler = sampler
        return _propose(Trial(study, trial_id), suggest, begin, redraws)
    run_batch(study._storage, lambda: _Log(log).write(study._storage, study._study_id, trial_id))
    study.sampler = RandomSampler(seed=0)  # has nothing to propose, and hooks that change nothing
    trial = Trial(study, trial_id)
    return begin(trial, suggest(trial))


def _propose(
    trial: Trial, suggest: Callable[[Trial], T], begin: Callable[[Trial, T], R], redraws: Redraws[T] | None
) -> R:
    with _writes_held_back(trial) as log:
        _detach(trial)
        result = suggest(trial)
    if redraws is not None and not redraws.wanted(result) and GIVEN not in trial._cached_frozen_trial.system_attrs:
        trial, result, log = _redraw(trial, suggest, redraws) or (trial, result, log)

    def write() -> R:
        trial.storage.set_trial_system_attr(trial._trial_id, PROPOSAL, log.entries)
        log.write(trial.storage, trial.study._study_id, trial._trial_id)
        return begin(trial, result)

    return in_one_batch(trial, write)


def _redraw(trial: Trial, suggest: Callable[[Trial], T], redraws: Redraws[T]) -> tuple[Trial, T, _Log] | None:
    """The trial as it would have been with another sampler; None if no proposal is wanted. Writes nothing."""
    for sampler in redraws.samplers:
        trial.study.sampler = sampler
        with _writes_held_back(trial) as log:
            again = Trial(trial.study, trial._trial_id)
            _detach(again)
            result = suggest(again)
        again.storage = trial.storage
        if redraws.wanted(result):
            return again, result, log
    return None


def _detach(trial: Trial) -> None:
    """The in-memory storage hands out its own object, which the trial would write to past the log."""
    trial._cached_frozen_trial = copy.deepcopy(trial._cached_frozen_trial)


def stored_trial(trial: Trial) -> FrozenTrial:
    """The trial as it is in the storage now, where others may have written it."""
    return trial.storage.get_trial(trial._trial_id)


def copy_reports(original: FrozenTrial, trial: Trial) -> None:
    """Report what the ended ``original`` reported, its constraints too; may be repeated after a crash."""
    for step in sorted(original.intermediate_values.keys() - reported_steps(trial)):
        trial.report(original.intermediate_values[step], step)
    for key in original.constraints.keys() - trial.constraints.keys():
        trial.set_constraint(key, original.constraints[key])


def reported_steps(trial: Trial) -> set[int]:
    """Steps at which the trial has a value; Optuna ignores a second one."""
    return set(trial._cached_frozen_trial.intermediate_values)


def should_prune(trial: Trial) -> bool:
    """Whether the pruner ends the trial at its last report; asked again after a crash, the answer is the same."""
    pruned = trial.storage.get_trial_system_attrs(trial._trial_id).get(PRUNED)
    if pruned is not None:
        log, prune = _Log(pruned), True
    else:
        with _writes_held_back(trial) as log:
            prune = trial.should_prune()
        if prune:
            trial.storage.set_trial_system_attr(trial._trial_id, PRUNED, log.entries)
    log.write(trial.storage, trial.study._study_id, trial._trial_id)
    return prune


class _Log:
    """Writes that concern one trial and its study, as JSON data; doing them twice is doing them once."""

    def __init__(self, entries: list[list[Any]] | None = None) -> None:
        self.entries = entries if entries is not None else []

    def write(self, storage: BaseStorage, study_id: int, trial_id: int) -> None:
        params = {
            key: (value, json_to_distribution(rest[0])) for kind, key, value, *rest in self.entries if kind == "param"
        }
        if params:
            # A database refuses a parameter that is there, and with it the whole transaction.
            known = storage.get_trial(trial_id).params
            _write_params(storage, trial_id, {name: param for name, param in params.items() if name not in known})
        for kind, key, value, *_ in self.entries:
            match kind:
                case "trial":
                    storage.set_trial_system_attr(trial_id, key, value)
                case "study":
                    storage.set_study_system_attr(study_id, key, value)


def _write_params(storage: BaseStorage, trial_id: int, params: dict[str, tuple[float, BaseDistribution]]) -> None:
    if (write_all := getattr(storage, "set_trial_params", None)) is not None:
        write_all(trial_id, params)
        return
    for name, (value, distribution) in params.items():
        storage.set_trial_param(trial_id, name, value, distribution)


class _LoggedStorage:
    """Stands in for a storage: takes writes down in a log, and passes everything else on."""

    def __init__(self, storage: BaseStorage, log: _Log) -> None:
        self._storage = storage
        self._log = log

    def set_trial_param(self, trial_id: int, key: str, value: float, distribution: BaseDistribution) -> None:  # noqa: ARG002
        self._log.entries.append(["param", key, value, distribution_to_json(distribution)])

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ARG002
        self._log.entries.append(["trial", key, value])

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:  # noqa: ARG002
        self._log.entries.append(["study", key, value])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


@contextmanager
def _writes_held_back(trial: Trial) -> Iterator[_Log]:
    study, storage, log = trial.study, trial.storage, _Log()
    stand_in: Any = _LoggedStorage(storage, log)
    study._storage = trial.storage = stand_in
    try:
        yield log
    finally:
        study._storage = trial.storage = storage


def tell(
    study: optuna.Study, trial: Trial, sampler: BaseSampler, state: TrialState, value: float | None = None
) -> float | None:
    """End the trial; returns its value as Optuna has it.

    Args:
        sampler: made for this trial, as the one that proposed it was.
        state: COMPLETE with ``value``, or PRUNED (Optuna takes the last report as its value), or FAIL.
    """
    study.sampler = sampler
    try:
        return study.tell(trial, value, state=state).value
    except RuntimeError:
        stored = stored_trial(trial)
        if not stored.state.is_finished():
            raise
        return stored.value

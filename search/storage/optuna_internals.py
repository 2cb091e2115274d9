"""Use Optuna's private API, here and in ``rdb.py`` and ``database.py`` only: all others call functions of this module.

``tests/search/storage/test_optuna_internals.py`` tests each private name against the installed version, and that no
other file uses any. ``pyproject.toml`` therefore pins Optuna's minor version.

Optuna can create a trial (``study.ask``) and end it (``study.tell``), but it cannot resume a trial that a dead process
left RUNNING. Nor does it change a trial that has ended. What follows from that:

- ``optuna.trial.Trial(study, trial_id)`` resumes a trial. Its constructor calls ``sampler.before_trial``; ``suggest_*``
  returns parameters that are already stored without sampling.
- :func:`reopen` makes a pruned trial RUNNING again in the database itself; then it is resumed like any other.
- A proposal takes several writes, and some samplers would propose something else after half of them: TPE's start-up
  trials draw parameter by parameter, QMC advances a counter in the study, and GP takes the half-made trial for a
  running one. All writes of a proposal are therefore held back until it is wanted, and then stored in one transaction
  with everything else that begins the trial. A RUNNING trial has all of this or none of it.
- ``SuccessiveHalvingPruner`` (and Hyperband, which uses it) marks on the trial that it has judged a rung, and lets the
  trial pass when asked about that rung again. A decision to prune is therefore stored in the transaction of the report.
- Samplers of finite spaces (``BruteForceSampler``) call ``study.stop()`` in ``tell`` when nothing is left to propose.
  Outside ``study.optimize`` this raises an error, after the result was stored.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, cast

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.samplers._tpe.sampler import _split_trials
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from search.storage.rdb import DatabaseStorage

__all__ = [
    "RedrawPolicy",
    "StudyView",
    "ask",
    "cached_trials",
    "copy_reports",
    "next_number",
    "reopen",
    "reported_steps",
    "resume",
    "running_trials",
    "should_prune",
    "stored_trial",
    "study_for_figure",
    "study_id",
    "study_transaction",
    "tell",
    "tpe_best_trials",
    "trial_for_note",
    "trial_id",
    "trial_transaction",
]

GIVEN = "fixed_params"  # where Optuna keeps the parameters of an enqueued trial
PRUNED = "onebert:pruned"
CONSTRAINT = "constraints:"  # where Optuna keeps those of a trial

T = TypeVar("T")
R = TypeVar("R")


def study_id(study: optuna.Study) -> int:
    """Return the id by which storages know a study."""
    return study._study_id


def trial_id(trial: Trial | FrozenTrial) -> int:
    """Return the id by which storages know a trial."""
    return trial._trial_id


def _storage_of(study: optuna.Study) -> DatabaseStorage:
    return cast(DatabaseStorage, study._storage)


def study_transaction(study: optuna.Study, write: Callable[[], T]) -> T:
    """Call ``write`` as one transaction of the study's storage; see :meth:`DatabaseStorage.in_transaction`."""
    return _storage_of(study).in_transaction(write)


def trial_transaction(trial: Trial, write: Callable[[], T]) -> T:
    """Call ``write`` as one transaction on a running trial and its study.

    ``write`` may be called again after a failure, and then finds ``trial`` unchanged.
    """
    before = copy.deepcopy(trial._cached_frozen_trial)

    def attempt() -> T:
        trial._cached_frozen_trial = copy.deepcopy(before)
        return write()

    return study_transaction(trial.study, attempt)


# From a proposal to the end of a trial


@dataclass(frozen=True)
class RedrawPolicy(Generic[T]):
    """What to do about a proposal that is not wanted, unless its parameters were given.

    Attributes:
        wanted: whether a proposal may stay.
        samplers: propose in its place, one after the other, until one is wanted. If none is, the first proposal stays.
    """

    wanted: Callable[[T], bool]
    samplers: Iterable[BaseSampler]


def next_number(study: optuna.Study) -> int:
    """Return the number of the trial that :func:`ask` will begin: the oldest enqueued one, else a new one."""
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return waiting[0].number if waiting else len(study.get_trials(deepcopy=False))


def running_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that were begun and not ended, in order of their numbers."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def ask(
    study: optuna.Study,
    sampler: BaseSampler,
    suggest: Callable[[Trial], T],
    begin: Callable[[Trial, T], R],
    redraws: RedrawPolicy[T] | None = None,
    number: int | None = None,
) -> R:
    """Create a trial, or take the oldest enqueued one, and begin it with the parameters that ``sampler`` proposes.

    Args:
        study: gets the trial.
        sampler: made for this trial.
        suggest: asks the trial for its parameters.
        begin: records the trial, given what ``suggest`` returned, in the transaction that stores the parameters; see
            :func:`trial_transaction`.
        redraws: what to do about a proposal that is not wanted; None: it stays.
        number: of a RUNNING trial whose driver died before it could begin it; begin this one instead of a new one.

    Returns:
        What ``begin`` returned.
    """
    proposal = _draw(study, study.ask if number is None else _reopening(study, number), sampler, suggest)
    is_given = GIVEN in proposal.trial._cached_frozen_trial.system_attrs
    if redraws is not None and not is_given and not redraws.wanted(proposal.suggested):
        again = partial(Trial, study, proposal.trial._trial_id)
        others = (_draw(study, again, other, suggest) for other in redraws.samplers)
        proposal = next((one for one in others if redraws.wanted(one.suggested)), proposal)

    def write() -> R:
        proposal.writes.store(study._study_id, proposal.trial._trial_id)
        return begin(proposal.trial, proposal.suggested)

    return trial_transaction(proposal.trial, write)


def resume(study: optuna.Study, number: int) -> Trial:
    """Return a RUNNING trial that was begun: it suggests the parameters that are stored."""
    study.sampler = RandomSampler(seed=0)  # has nothing to propose, and its hooks change nothing
    return _reopening(study, number)()


def reopen(study: optuna.Study, number: int, forgotten: Container[str] = ()) -> None:
    """Make a PRUNED trial RUNNING again, as it was before it was pruned; one that is RUNNING stays as it is.

    Optuna cannot do this: it never changes trials that have ended. The trial keeps its parameters and reports.

    Args:
        study: has the trial.
        number: of the trial.
        forgotten: names of the user attributes that its end has set.
    """
    stored = study.get_trials(deepcopy=False)[number]

    def is_of_end(key: str) -> bool:
        return key == PRUNED or key.startswith(CONSTRAINT)

    study_transaction(study, lambda: _storage_of(study).reopen_trial(stored._trial_id, forgotten, is_of_end))


def _reopening(study: optuna.Study, number: int) -> Callable[[], Trial]:
    stored = study.get_trials(deepcopy=False)[number]  # also lets the storage's cache know the trial
    return partial(Trial, study, stored._trial_id)


@dataclass(frozen=True)
class _Proposal(Generic[T]):
    trial: Trial
    suggested: T
    writes: _HeldWrites


def _draw(
    study: optuna.Study, make_trial: Callable[[], Trial], sampler: BaseSampler, suggest: Callable[[Trial], T]
) -> _Proposal[T]:
    """Create a trial and its parameters, storing only that the trial is RUNNING."""
    storage, writes = study._storage, _HeldWrites(_storage_of(study))
    study.sampler = sampler
    study._storage = cast(BaseStorage, writes)
    try:
        trial = make_trial()
        suggested = suggest(trial)
    finally:
        study._storage = storage
    trial.storage = storage
    return _Proposal(trial, suggested, writes)


class _HeldWrites:
    """A stand-in for a storage that holds back what samplers write, and passes everything else on.

    What is held back can be read again.
    """

    def __init__(self, storage: DatabaseStorage) -> None:
        self._inner = storage
        self._params: dict[str, tuple[float, BaseDistribution]] = {}
        self._of_trial: dict[str, Any] = {}
        self._of_study: dict[str, Any] = {}

    def store(self, study_id: int, trial_id: int) -> None:
        """Write what was held back into the storage; writing it twice has the effect of writing it once."""
        self._inner.set_trial_params(trial_id, self._params)
        for key, value in self._of_trial.items():
            self._inner.set_trial_system_attr(trial_id, key, value)
        for key, value in self._of_study.items():
            self._inner.set_study_system_attr(study_id, key, value)

    def set_trial_param(self, trial_id: int, key: str, value: float, distribution: BaseDistribution) -> None:  # noqa: ARG002
        self._params[key] = value, distribution

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:  # noqa: ARG002
        self._of_trial[key] = value

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:  # noqa: ARG002
        self._of_study[key] = value

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        return self._inner.get_trial_system_attrs(trial_id) | self._of_trial

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._inner.get_study_system_attrs(study_id) | self._of_study

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def stored_trial(trial: Trial) -> FrozenTrial:
    """Return the trial as the storage has it now; others may have written it."""
    return _storage_of(trial.study).get_trial(trial._trial_id)


def reported_steps(trial: Trial) -> set[int]:
    """Return the steps at which the trial has a value; Optuna ignores a second one."""
    return set(trial._cached_frozen_trial.intermediate_values)


def copy_reports(original: FrozenTrial, trial: Trial) -> None:
    """Report the values and constraints of the ended trial ``original``, except those that ``trial`` has already."""
    for step in sorted(original.intermediate_values.keys() - reported_steps(trial)):
        trial.report(original.intermediate_values[step], step)
    for key in original.constraints.keys() - trial.constraints.keys():
        trial.set_constraint(key, original.constraints[key])


def should_prune(trial: Trial, is_decided: bool = False) -> bool:
    """Return whether the pruner ends the trial at its last report; asked again, also after a crash, it says the same.

    To be called in the transaction that stores the report. If the report ``is_decided``, being stored already, the
    decision was stored with it, and the run may have continued since: other trials must not change it.
    """
    storage = _storage_of(trial.study)
    if PRUNED in storage.get_trial_system_attrs(trial._trial_id):
        return True
    prune = not is_decided and trial.should_prune()
    if prune:
        storage.set_trial_system_attr(trial._trial_id, PRUNED, True)
    return prune


def tell(
    study: optuna.Study, trial: Trial, sampler: BaseSampler, state: TrialState, value: float | None = None
) -> float | None:
    """End the trial and return its value as Optuna has it.

    Args:
        trial: RUNNING.
        sampler: made for this trial, like the one that proposed it.
        state: COMPLETE with ``value``, or PRUNED (Optuna takes the last report as its value), or FAIL.
        value: of a complete trial.
    """
    study.sampler = sampler
    try:
        return study.tell(trial, value, state=state).value
    except RuntimeError:
        stored = stored_trial(trial)
        if not stored.state.is_finished():
            raise
        return stored.value


# What samplers see of a study


class StudyView:
    """A stand-in for ``study`` that shows samplers these ``trials``, and answers everything else like the study."""

    def __init__(self, study: Any, trials: list[FrozenTrial]) -> None:
        self._viewed = study
        self._trials = trials

    def _get_trials(
        self,
        deepcopy: bool = True,  # noqa: ARG002  # samplers ask for no copies, and change none
        states: Container[TrialState] | None = None,
        use_cache: bool = False,  # noqa: ARG002
    ) -> list[FrozenTrial]:
        return [trial for trial in self._trials if states is None or trial.state in states]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._viewed, name)


def cached_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the study's trials without copying them or, since the last ``ask`` or ``tell``, reading them again."""
    return study._get_trials(deepcopy=False, use_cache=True)


def tpe_best_trials(study: optuna.Study, trials: list[FrozenTrial], count: int) -> list[FrozenTrial]:
    """Return the ``count`` best of ended trials, in the order in which TPE ranks them."""
    return _split_trials(study, trials, count)[0]


# What the dashboard's functions see of a study


def trial_for_note(trial: Trial) -> Any:
    """Return a stand-in for a trial, for ``optuna_dashboard.save_note``."""
    storage = _OwnAttributes(_storage_of(trial.study), f"dashboard:{trial._trial_id}:")
    return SimpleNamespace(storage=storage, study=trial.study, _trial_id=trial._trial_id)


def study_for_figure(study: optuna.Study, figure_id: str) -> Any:
    """Return a stand-in for a study, for ``optuna_dashboard.save_plotly_graph_object`` with this id."""
    storage = _OwnAttributes(_storage_of(study), f"dashboard:plot_data:{figure_id}:")
    return SimpleNamespace(_storage=storage, _study_id=study._study_id)


class _OwnAttributes:
    """A stand-in for a storage that reads only the study's system attributes whose keys start with ``prefix``, once.

    The dashboard keeps the notes of all trials, and all figures, in the study, and reads all of them to write one.
    """

    def __init__(self, storage: DatabaseStorage, prefix: str) -> None:
        self._inner = storage
        self._prefix = prefix
        self._read: dict[str, Any] | None = None

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        if self._read is None:
            self._read = self._inner.study_system_attrs_starting(study_id, self._prefix)
        return dict(self._read)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._inner.set_study_system_attr(study_id, key, value)
        if self._read is not None and key.startswith(self._prefix):
            self._read[key] = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

"""A database in which several writes are one transaction: all of them are stored, or none.

Optuna commits every single write, and a commit waits until the disk has it. A trial's proposal, an evaluation and its
end are some ten writes each that belong together; as one transaction they cost one wait, and a crash finds no half.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container
from typing import Any, TypeVar, cast

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from search.storage.batch_session import BatchSession
from search.storage.rdb import Database, Params

__all__ = ["BatchedStorage", "run_batch"]

T = TypeVar("T")


def run_batch(storage: BaseStorage, write: Callable[[], T]) -> T:
    """What ``write()`` returns, its writes to ``storage`` done as one transaction where the storage has such.

    A batch within a batch is part of the outer one.

    Args:
        write: reads and writes the storage. It may be called again after a failure, so it must do the same each time:
            what it changes besides the storage has to bear repetition, and so does what a first call may have stored
            after all (the connection broke in the commit) or in part (the storage has no transactions).

    Raises:
        StorageInternalError: as the storage's single writes do; nothing was stored, unless the commit itself failed.
    """
    batch = getattr(storage, "run_batch", None)
    return write() if batch is None else batch(write)


class BatchedStorage(_CachedStorage):
    """Optuna's storage for databases, its cache included, with :meth:`run_batch`.

    Args:
        url: an SQLAlchemy URL.
        engine_kwargs: for ``sqlalchemy.create_engine``.
    """

    _backend: Database

    def __init__(self, url: str, engine_kwargs: dict[str, Any]) -> None:
        super().__init__(Database(url, engine_kwargs=engine_kwargs))

    def run_batch(self, write: Callable[[], T]) -> T:
        """As :func:`run_batch`; for the calling thread's writes."""
        session = cast(BatchSession, self._backend.scoped_session())
        if session.in_batch:
            return write()
        cache = self._copy_of_cache()
        session.begin_batch()
        try:
            result = write()
            session.end_batch()
        except BaseException as error:
            session.abandon_batch()
            self.__dict__.update(cache)  # it may know trials, or ends of trials, that are undone now
            if isinstance(error, SQLAlchemyError):
                raise StorageInternalError(f"a transaction was not stored: {error}") from error
            raise
        return result

    def set_trial_params(self, trial_id: int, params: Params) -> None:
        """As ``set_trial_param`` for each, in one statement: name -> internal value and distribution."""
        with self._lock:
            study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
            known = self._studies[study_id].param_distribution
            self._backend.add_params(trial_id, params, known)
            for name, (_, distribution) in params.items():
                known.setdefault(name, distribution)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """As Optuna's, which sorts all trials anew each time."""
        self._read_trials_from_remote_storage(study_id)
        with self._lock:
            known = self._studies[study_id].trials
            trials = [known[number] for number in sorted(known)]  # they are in order, as a rule
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        """As Optuna's, without reading the rest of the trial."""
        return self._backend.get_trial_system_attrs(trial_id)

    def study_system_attrs_starting(self, study_id: int, prefix: str) -> dict[str, Any]:
        """Those whose key begins so: the dashboard keeps the notes of all trials with the study."""
        return self._backend.study_system_attrs_starting(study_id, prefix)

    def _copy_of_cache(self) -> dict[str, Any]:
        with self._lock:
            studies = {number: copy.copy(study) for number, study in self._studies.items()}
            for study in studies.values():
                for name, value in vars(study).items():
                    setattr(study, name, copy.copy(value))  # the trials in it are never changed, only replaced
            return {
                "_studies": studies,
                "_trial_id_to_study_id_and_number": self._trial_id_to_study_id_and_number.copy(),
                "_study_id_and_number_to_trial_id": self._study_id_and_number_to_trial_id.copy(),
            }

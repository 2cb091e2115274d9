"""A storage that waits for its database and repeats calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from search.display.notices import notice
from search.storage.damage import is_missing_record
from search.storage.errors import StorageAwayError, StorageError
from search.storage.optuna_internals import trial_id
from search.storage.rdb import DatabaseStorage

__all__ = ["RetryingStorage"]

PATIENCE_SECONDS = 600.0
FIRST_PAUSE, LAST_PAUSE = 0.5, 15.0  # seconds between two tries; each pause is twice the one before
LOOK_SECONDS = 0.1  # how often a pause checks for Ctrl-C, whose handler need not end a sleep

T = TypeVar("T")


@BaseStorage.register
class RetryingStorage:
    """A stand-in for a storage that repeats calls that raise :class:`StorageAwayError` until they succeed.

    Repeating a write that did reach the database is harmless: most writes are assignments, and the rest check first.
    This is true as long as nobody else drives the study, which ``guard`` makes sure of. For use in one thread.

    Args:
        storage: an open database; its methods beyond Optuna's own are passed through.
        name: of the storage, for messages.
        stopped: whether to give up, asked while waiting.

    Attributes:
        stopped: as given.
        guard: called before every try of a write; it may raise an error to prevent the write.
        on_missing: called if the storage does not have a study or trial that it is asked for; it may raise an error in
            place of the KeyError.
    """

    def __init__(self, storage: DatabaseStorage, name: str = "", stopped: Callable[[], bool] = lambda: False) -> None:
        self.inner = storage
        self.stopped = stopped
        self.guard: Callable[[], None] = lambda: None
        self.on_missing: Callable[[], None] = lambda: None
        self._name = name or "of the study"
        self._is_calling = False  # calls within a call are repeated with it
        self._end: BaseException | None = None  # of the waiting, once it was given up

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.inner, name)
        if not (name in vars(BaseStorage) and callable(attribute)):
            return attribute
        is_write = name.startswith(("create_", "delete_", "set_"))
        return partial(self._call, attribute, _REPEATED.get(name), is_write)

    def _call(
        self, method: Callable[..., T], repeated: Callable[..., T] | None, is_write: bool, *args: Any, **options: Any
    ) -> T:
        again = None if repeated is None else partial(repeated, self.inner, *args, **options)
        return self.retry(partial(method, *args, **options), again, guarded=is_write)

    def in_transaction(self, write: Callable[[], T]) -> T:
        """Call ``write`` as one transaction, repeated as a whole; see :meth:`DatabaseStorage.in_transaction`."""
        return self.retry(partial(self.inner.in_transaction, write), guarded=True)

    def retry(self, call: Callable[[], T], again: Callable[[], T] | None = None, *, guarded: bool = False) -> T:
        """Return what ``call()`` returns, repeating it while the storage does not answer.

        Args:
            call: on :attr:`inner`.
            again: the same call after a try that may have arrived; None: ``call`` can be repeated as it stands.
            guarded: whether to call the guard before each try.

        Raises:
            StorageError: the storage has not answered for ten minutes, or its disk is full.
            KeyboardInterrupt: the storage does not answer, and ``stopped()``.
        """
        if self._is_calling:
            return call()
        began: float | None = None
        pause = FIRST_PAUSE
        while True:
            try:
                result = self._try(call, guarded)
            except StorageAwayError as error:
                began = self._wait(began, pause, error)
                pause, call = min(2 * pause, LAST_PAUSE), again or call
            else:
                if began is not None:
                    notice(f"storage {self._name} answers again after {time.monotonic() - began:.0f} s")
                return result

    def _try(self, call: Callable[[], T], guarded: bool) -> T:
        self._is_calling = True
        try:
            if guarded:
                self.guard()
            return call()
        except KeyError as error:
            if is_missing_record(error):
                self.on_missing()
            raise
        finally:
            self._is_calling = False

    def _wait(self, began: float | None, pause: float, error: StorageAwayError) -> float:
        """Pause, and return the time at which the waiting began."""
        if self._end is not None:  # calls made while shutting down need not wait again
            raise self._end
        now, minutes = time.monotonic(), f"{PATIENCE_SECONDS / 60:.0f} min"
        if began is None:
            began = now
            notice(f"storage {self._name} does not answer ({error.reason}); trying again for {minutes}")
        if now - began >= PATIENCE_SECONDS:
            self._end = StorageError(
                f"storage {self._name} has not answered for {minutes} ({error.reason}); "
                "nothing is lost: when it is back, run the same command again to resume"
            )
            raise self._end from error
        while True:
            if self.stopped():
                notice(
                    f"stopped while storage {self._name} does not answer; when it is back, run the same command again "
                    "to resume"
                )
                self._end = KeyboardInterrupt()
                raise self._end
            if time.monotonic() - now >= pause:
                return began
            time.sleep(LOOK_SECONDS)


def _create_trial(storage: BaseStorage, study_id: int, template_trial: FrozenTrial | None = None) -> int:
    """Return the trial that the first try created, or create it.

    Only this process creates trials of the study, and it records something on each before it creates another.
    """
    trials = storage.get_all_trials(study_id, deepcopy=False)
    if trials and _content(trials[-1]) == _content(template_trial):
        return trial_id(trials[-1])
    return storage.create_new_trial(study_id, template_trial)


def _content(trial: FrozenTrial | None) -> tuple[Any, ...]:
    if trial is None:
        return TrialState.RUNNING, {}, {}, {}
    return trial.state, trial.params, trial.user_attrs, trial.system_attrs


def _set_state(storage: BaseStorage, trial_id: int, state: TrialState, values: Any = None) -> bool:
    """Set the state unless the first try did: a trial can be neither begun nor ended a second time."""
    return storage.get_trial(trial_id).state == state or storage.set_trial_state_values(trial_id, state, values)


def _delete_study(storage: BaseStorage, study_id: int) -> None:
    with suppress(KeyError):  # the first try deleted it
        storage.delete_study(study_id)


# create_new_study is missing here: if the first try arrived, the second raises DuplicatedStudyError, which
# optuna.create_study handles when it may load an existing study.
_REPEATED: dict[str, Callable[..., Any]] = {
    "create_new_trial": _create_trial,
    "set_trial_state_values": _set_state,
    "delete_study": _delete_study,
}

"""A storage that waits for its database."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from search.storage.errors import StorageAwayError, StorageError
from search.storage.notices import notice

__all__ = ["PatientStorage"]

PATIENCE_SECONDS = 600.0
FIRST_PAUSE, LAST_PAUSE = 0.5, 15.0  # seconds between two tries; each pause is twice the one before
LOOK_SECONDS = 0.1  # how often a pause looks for Ctrl-C, whose handler need not end a sleep

T = TypeVar("T")


@BaseStorage.register
class PatientStorage:
    """Stands in for a storage, and repeats calls that raise :class:`StorageAwayError` until they are answered.

    Repeating a write whose first try arrived is harmless: most set something, and the others look first. That holds
    while nobody else drives the study, which ``guard`` is there to make sure of. For one thread.

    Args:
        storage: whatever ``open_storage`` made; what it has beyond Optuna's own methods is passed through.
        name: of the storage, for people to read.
        stopped: whether to give up, asked while waiting.

    Attributes:
        inner: the storage itself.
        stopped: as given.
        guard: called before every try of a write; it may raise to prevent it.
    """

    def __init__(self, storage: BaseStorage, name: str = "", stopped: Callable[[], bool] = lambda: False) -> None:
        self.inner = storage
        self.stopped = stopped
        self.guard: Callable[[], None] = lambda: None
        self._name = name or "of the study"
        self._busy = False  # within a call; those that it makes are repeated with it
        self._end: BaseException | None = None  # of the waiting, once it was given up

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.inner, name)
        if not (name in vars(BaseStorage) and callable(attribute)):
            return attribute
        is_write = name.startswith(("create_", "delete_", "set_"))
        return partial(self._call, attribute, AGAIN.get(name), is_write)

    def _call(
        self, method: Callable[..., T], again: Callable[..., T] | None, is_write: bool, *args: Any, **options: Any
    ) -> T:
        repeat = None if again is None else partial(again, self.inner, *args, **options)
        return self.patiently(partial(method, *args, **options), repeat, guarded=is_write)

    def run_batch(self, write: Callable[[], T]) -> T:
        """What ``write()`` returns; its writes are one transaction, and repeated as one, where the storage has such."""
        batch: Callable[[Callable[[], T]], T] | None = getattr(self.inner, "run_batch", None)
        return write() if batch is None else self.patiently(partial(batch, write), guarded=True)

    def patiently(self, call: Callable[[], T], again: Callable[[], T] | None = None, *, guarded: bool = False) -> T:
        """What ``call()`` returns, repeated while the storage does not answer.

        Args:
            call: on :attr:`inner`.
            again: the same call after a try that may have arrived; None: ``call`` bears repetition.
            guarded: whether the guard is asked before each try.

        Raises:
            StorageError: it has not answered for ten minutes; or its disk is full.
            KeyboardInterrupt: it does not answer, and ``stopped()``.
        """
        if self._busy:
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
        self._busy = True
        try:
            if guarded:
                self.guard()
            return call()
        finally:
            self._busy = False

    def _wait(self, began: float | None, pause: float, error: StorageAwayError) -> float:
        """Pause; returns when the waiting began."""
        if self._end is not None:  # what is done on the way out need not wait again
            raise self._end
        now = time.monotonic()
        if began is None:
            began = now
            minutes = f"{PATIENCE_SECONDS / 60:.0f} min"
            notice(f"storage {self._name} does not answer ({error.reason}); trying again for {minutes}")
        if now - began >= PATIENCE_SECONDS:
            self._end = StorageError(
                f"storage {self._name} has not answered for {PATIENCE_SECONDS / 60:.0f} min ({error.reason}); "
                "nothing is lost: the same command goes on when it does"
            )
            raise self._end from error
        while True:
            if self.stopped():
                notice(f"stopped while storage {self._name} does not answer; the same command goes on when it does")
                self._end = KeyboardInterrupt()
                raise self._end
            if time.monotonic() - now >= pause:
                return began
            time.sleep(LOOK_SECONDS)


def _create_trial(storage: BaseStorage, study_id: int, template_trial: FrozenTrial | None = None) -> int:
    """The trial that the first try created, or else a new one.

    Nobody but this process creates trials of the study, and it records something on each before it creates another.
    """
    trials = storage.get_all_trials(study_id, deepcopy=False)
    if trials and _content(trials[-1]) == _content(template_trial):
        return trials[-1]._trial_id
    return storage.create_new_trial(study_id, template_trial)


def _content(trial: FrozenTrial | None) -> tuple[Any, ...]:
    if trial is None:
        return TrialState.RUNNING, {}, {}, {}
    return trial.state, trial.params, trial.user_attrs, trial.system_attrs


def _set_state(storage: BaseStorage, trial_id: int, state: TrialState, values: Any = None) -> bool:
    """A trial that was begun, or ended, can be neither begun nor ended a second time."""
    return storage.get_trial(trial_id).state == state or storage.set_trial_state_values(trial_id, state, values)


def _delete_study(storage: BaseStorage, study_id: int) -> None:
    if any(study._study_id == study_id for study in storage.get_all_studies()):
        storage.delete_study(study_id)


# create_new_study is not here: where the first try arrived the second raises DuplicatedStudyError, which
# optuna.create_study takes for what it is when it may load a study.
AGAIN: dict[str, Callable[..., Any]] = {
    "create_new_trial": _create_trial,
    "set_trial_state_values": _set_state,
    "delete_study": _delete_study,
}

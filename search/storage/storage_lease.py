"""A lease recorded in the study itself, so that drivers see each other from any machine and any runs folder.

An attribute of the study names the holder, which updates a heartbeat every few seconds from its own loop. Others watch
whether it changes, on their own clock: the clocks of two machines are never compared.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn, Self

import optuna
from optuna.storages import BaseStorage

from data.errors import UserError
from search.display.notices import notice
from search.storage.errors import StorageError
from search.storage.file_lease import LeaseHolder, taken_error
from search.storage.optuna_internals import study_id
from search.storage.retrying_storage import RetryingStorage

__all__ = ["LeaseLostError", "StorageLease", "check_not_held"]

KEY = "onebert:lease"
BEAT_SECONDS = 10.0
OVERDUE_SECONDS = 20.0  # from then on another driver might be about to take over
WATCH_SECONDS = 30.0  # how long a holder must send no heartbeat before another driver takes over
LOOK_SECONDS = 1.0  # between two looks at the heartbeat
GONE = "is gone from its storage, or an older copy of the storage is in its place"


def check_not_held(study: optuna.Study, storage: BaseStorage) -> None:
    """Refuse a study whose driver is known to be alive, without a wait; :meth:`StorageLease.take` watches the others.

    Raises:
        UserError: as :meth:`StorageLease.take`.
    """
    stored: dict[str, Any] | None = storage.get_study_system_attrs(study_id(study)).get(KEY)
    if stored is not None and (holder := LeaseHolder.read(stored)).lives():
        raise taken_error(study.study_name, holder.describe())


class LeaseLostError(StorageError):
    """Another driver has taken over; this one must not write any more."""


class StorageLease:
    """A lease for at most one driver per study, released at the end of a ``with`` block.

    Args:
        storage: where the study is recorded; its guard becomes :meth:`verify`, and its ``on_missing`` ends the lease.
    """

    def __init__(self, study: str, storage: RetryingStorage) -> None:
        self._study = study
        self._storage = storage
        self._study_id = -1
        self._held: LeaseHolder | None = None
        self._lost: LeaseLostError | None = None
        self._last_beat = 0.0, 0.0
        storage.guard = self.verify
        storage.on_missing = self._end_if_gone

    def __enter__(self) -> Self:
        return self

    def take(self, study: optuna.Study) -> None:
        """Become the study's driver, even if the study has since been deleted and created again.

        Raises:
            UserError: another driver is alive; the message says on which host, with which process id, and since when.
            StorageError: the storage cannot be used.
        """
        self._study_id, self._held = study_id(study), None
        mine = LeaseHolder.this_process()
        while True:
            there = self._read_to_take()
            if there is not None and there.id != mine.id:
                self._await_end(there)
            self._last_beat = time.monotonic(), time.time()
            # A claim that arrived although the storage did not answer shows up as a holder with our own id.
            if (there is not None and there.id == mine.id) or self._set(there, mine):
                self._held = mine
                self._storage.inner.set_only_writer(True)
                return

    def _await_end(self, holder: LeaseHolder) -> None:
        """Return when the holder is dead or has changed."""
        lives = holder.lives()
        if lives:
            raise taken_error(self._study, holder.describe())
        if lives is False:
            return
        notice(
            f"study '{self._study}' is marked as run by {holder.describe()}; "
            f"watching for up to {WATCH_SECONDS:.0f} s whether it still is"
        )
        began = time.monotonic()
        while time.monotonic() - began < WATCH_SECONDS:
            if self._storage.stopped():
                raise KeyboardInterrupt
            time.sleep(LOOK_SECONDS)
            now = self._read_to_take()
            if now is None or now.id != holder.id:
                return
            if now.beats != holder.beats:
                raise taken_error(self._study, holder.describe())
        notice(f"no heartbeat for {WATCH_SECONDS:.0f} s; taking study '{self._study}' over")

    @property
    def due_seconds(self) -> float | None:
        """Return the seconds until the next heartbeat is due; None while the lease is not held."""
        return max(BEAT_SECONDS - self._age(), 0.0) if self._held else None

    def beat(self) -> None:
        """Send a heartbeat if one is due.

        Raises:
            LeaseLostError: another driver has taken over.
            StorageError: the storage cannot be used.
        """
        if self.due_seconds == 0.0:
            self._storage.retry(self._beat)

    def drop(self) -> None:
        """Give the lease up in the caller's transaction: the study is not this driver's any more."""
        self._storage.set_study_system_attr(self._study_id, KEY, None)

    def verify(self) -> None:
        """Send a heartbeat before a write if the last one is so old that another driver may have taken over.

        Raises:
            LeaseLostError: another driver has taken over; once raised, it is raised by every later call.
        """
        if self._lost is not None:
            raise self._lost
        if self._held is not None and self._age() > OVERDUE_SECONDS:
            self._beat()

    def _age(self) -> float:
        """Return the seconds since the last heartbeat, by the clock that advanced further: one may stop in sleep."""
        monotonic, wall = self._last_beat
        return max(time.monotonic() - monotonic, abs(time.time() - wall))

    def _beat(self) -> None:
        assert self._held is not None
        now = time.monotonic(), time.time()
        while not self._set(self._held, beaten := self._held.beaten()):
            try:
                there = self._read()
            except KeyError:
                self._lose(GONE)
            if there is None or there.id != self._held.id:
                self._lose(f"has been taken over by {there.describe() if there else 'another driver'}")
            if there.beats < self._held.beats:
                self._lose(GONE)
            self._held = there  # its heartbeat arrived although the storage did not answer
        self._held, self._last_beat = beaten, now

    def _lose(self, why: str) -> NoReturn:
        self._held = None
        self._lost = LeaseLostError(f"study '{self._study}' {why}; this driver stops and leaves it alone")
        raise self._lost

    def _end_if_gone(self) -> None:
        """End a lease that is held, because the storage has lost the study, or trials of it."""
        if self._held is not None:
            self._lose(GONE)

    def _read_to_take(self) -> LeaseHolder | None:
        try:
            return self._read()
        except KeyError:
            raise UserError(
                f"study '{self._study}' was deleted a moment ago, perhaps by another driver that is restarting it; "
                "run the command again"
            ) from None

    def _read(self) -> LeaseHolder | None:
        """Return the holder in the storage; raise KeyError if the study has been deleted."""
        stored: dict[str, Any] | None = self._storage.get_study_system_attrs(self._study_id).get(KEY)
        return None if stored is None else LeaseHolder.read(stored)

    def _set(self, old: LeaseHolder | None, new: LeaseHolder | None) -> bool:
        before, after = (None if holder is None else holder.stored() for holder in (old, new))
        storage = self._storage
        return storage.retry(partial(storage.inner.compare_and_set, self._study_id, KEY, before, after))

    def __exit__(self, *_: object) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        self._storage.inner.set_only_writer(False)
        with suppress(StorageError):  # one try: the next driver also notices that this process is gone
            self._storage.inner.compare_and_set(self._study_id, KEY, held.stored(), None)

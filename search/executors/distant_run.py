"""The files of a run on a machine that does not share the driver's folder: a folder of its own, saved at a URL."""

from __future__ import annotations

import secrets
import shutil
import socket
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.run.run_folder import RunFolder
from data.errors import UnavailableError
from search.trials.remote_study import newest_run, run_folder, trial_folder
from search.trials.url_store import UrlStore

__all__ = ["DistantRun"]


class DistantRun:
    """One run of a trial: it begins with what earlier runs have saved, and saves what it writes under its own name.

    Args:
        url: of the study.
        number: of the trial.
        scratch: where this machine keeps the folders of such runs.

    Attributes:
        folder: in which the run trains; it exists until :meth:`close`.
    """

    def __init__(self, url: str, number: int, scratch: Path) -> None:
        self._number = number
        self._store = UrlStore(url)
        name = secrets.token_hex(8)
        self._saved = run_folder(self._store, number, name)
        self._has_begun = False
        scratch /= socket.gethostname()  # a home folder may be shared, and its locks not seen by other machines
        _sweep(scratch)
        self._place = scratch / name
        self._lock = FileLock(_lock_of(self._place))
        self._lock.acquire()
        self.folder = self._place / f"trial-{number:04d}"

    def begin(self) -> None:
        """Fetch what there is of the trial, once.

        Raises:
            UnavailableError: the store does not answer.
        """
        if self._has_begun:
            return
        own = trial_folder(self._store, self._number)
        if own is None:
            raise UnavailableError(f"'{self._store.url}' does not have what trial {self._number} begins with")
        before = newest_run(self._store, self._number, own.list) or own
        before.fetch(self.folder)
        if before is not own:  # the driver may have written these after that run
            run = RunFolder(self.folder)
            pins = {path.name for path in (run.config, run.encoder, run.data)}
            own.fetch(self.folder, pins.__contains__)
        self._saved.begin(before.list)
        self._has_begun = True

    def save(self) -> None:
        """Save the folder's files, as one more generation.

        Raises:
            UnavailableError: the store does not answer; the call can be repeated.
        """
        if self._has_begun:
            self._saved.push(self.folder, self._saved.list.generation + 1)

    def close(self) -> None:
        """Delete the run's folder on this machine."""
        shutil.rmtree(self._place, ignore_errors=True)
        self._lock.release()
        _lock_of(self._place).unlink(missing_ok=True)


def _sweep(scratch: Path) -> None:
    """Delete the folders of runs whose process was killed."""
    for lock_file in scratch.glob("*.lock"):
        with suppress(Timeout, OSError), FileLock(lock_file, blocking=False):
            shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
            lock_file.unlink(missing_ok=True)


def _lock_of(place: Path) -> Path:
    return place.with_suffix(".lock")

"""Wait in a worker for an input that cannot be read, such as a data folder whose disk is away."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from core.run.atomic_files import DISK_FAULTS
from data.errors import MachineError, UnavailableError
from search.display.fault_text import one_line

__all__ = ["PATIENCE_SECONDS", "WAITED", "Patience", "machine_fault"]

PATIENCE_SECONDS = 600.0  # as long as a driver waits for its storage
FIRST_PAUSE, LAST_PAUSE = 0.5, 15.0  # seconds between two tries; each pause is twice the one before
WAITED = f"for {PATIENCE_SECONDS / 60:.0f} min"

_NAMES = (
    *("EACCES", "EPERM", "EIO", "ESTALE", "ENODEV", "ENXIO", "EMFILE", "ENFILE"),
    *("ETIMEDOUT", "EHOSTDOWN", "ENOTCONN", "EREMOTEIO"),
)
_FAULTS = {getattr(errno, name) for name in _NAMES if hasattr(errno, name)}  # of disks and mounts, whatever the file

T = TypeVar("T")


def machine_fault(error: Exception) -> MachineError | None:
    """Return what an exception of a run says about the machine; None if the run itself may be at fault."""
    if isinstance(error, MachineError):
        return error
    if not isinstance(error, OSError):
        return None
    if error.errno in DISK_FAULTS:
        return MachineError(_reason(error))
    if error.filename is not None or error.errno in _FAULTS:
        return UnavailableError(_reason(error))
    return None


def _reason(error: OSError) -> str:
    if error.filename is None:
        return one_line(error)
    return f"'{error.filename}': {error.strerror or type(error).__name__}"


class Patience:
    """Repeat a run that cannot read an input until it can, or ten minutes have passed.

    Args:
        stop: set when the run is to end.
        away: called with the reason after every try that fails.
    """

    def __init__(self, stop: threading.Event, away: Callable[[str], None]) -> None:
        self._stop = stop
        self._away = away
        self._began: float | None = None
        self._pause = FIRST_PAUSE

    def progressed(self) -> None:
        """Note that the run continues: the next failure begins a wait of its own."""
        self._began, self._pause = None, FIRST_PAUSE

    def call(self, run: Callable[[], T], stopped: Callable[[], BaseException]) -> T:
        """Return what ``run()`` returns.

        Args:
            run: begins where an earlier try stopped.
            stopped: makes the exception to raise if the run is to end meanwhile.

        Raises:
            MachineError: an input could not be read for ten minutes, or the machine has another fault.
        """
        while True:
            try:
                return run()
            except Exception as error:
                fault = machine_fault(error)
                if fault is None:
                    raise
                if not isinstance(fault, UnavailableError):
                    raise fault from error
                reason = str(fault)
            del fault  # its traceback would keep the run's model alive
            self._wait(reason)
            if self._stop.is_set():
                raise stopped()

    def _wait(self, reason: str) -> None:
        now = time.monotonic()
        self._began = self._began or now
        if now - self._began >= PATIENCE_SECONDS:
            raise MachineError(f"{reason}; waited {WAITED}")
        self._away(reason)
        self._stop.wait(self._pause)
        self._pause = min(2 * self._pause, LAST_PAUSE)

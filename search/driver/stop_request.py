"""Record that a study is to stop before its end: the user interrupted it, or an error makes it useless to continue."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from data.errors import MachineError, UserError
from search.display.fault_text import fault_text

__all__ = ["FIX_AND_RESUME", "Interrupts", "StopRequest", "handled_signals", "leave_terminal"]

FIX_AND_RESUME = "fix this, then run the same command again to resume"


def handled_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that ask a search to end: Ctrl-C, SIGTERM, and SIGHUP unless it is ignored (``nohup``)."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, hangup


def leave_terminal(number: int) -> None:
    """Write to no terminal any more if the signal is SIGHUP: it has been closed, and every write would fail."""
    if number != getattr(signal, "SIGHUP", None):
        return
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):  # isatty() is False for a terminal that is closed
            os.dup2(nowhere, descriptor)
    os.close(nowhere)


class Interrupts:
    """Count SIGINT, SIGTERM and SIGHUP; from the third on, they have their previous effect.

    Python delivers signals to the main thread only: elsewhere the count stays 0.

    Args:
        wake: called at every signal, to end a blocking wait.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.count = 0
        self._wake = wake
        self._before: dict[signal.Signals, Any] = {}

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the signals that arrive in the ``with`` block."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in handled_signals()}
        try:
            yield
        finally:
            self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        leave_terminal(number)
        self.count += 1
        if self.count == 2:
            self._restore()
        self._wake()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


class StopRequest:
    """Stop a study in an orderly way: running trials write checkpoints first, then the first error is raised.

    Args:
        interrupts: counts the signals.
    """

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._error: UserError | None = None

    @property
    def is_requested(self) -> bool:
        """Whether no trial is to be started, and running ones are to write checkpoints and end."""
        return self.is_interrupted or self._error is not None

    @property
    def is_interrupted(self) -> bool:
        """Whether the user asked for it."""
        return self._interrupts.count > 0

    @property
    def is_immediate(self) -> bool:
        """Whether the user asked twice: workers are killed now."""
        return self._interrupts.count > 1

    def because_of(self, error: UserError) -> None:
        """Request a stop because of an error; only the first error is kept."""
        if self._error is None:
            is_machine = isinstance(error, MachineError)
            self._error = MachineError(f"{error}; {FIX_AND_RESUME}") if is_machine else error

    @contextmanager
    def on_error(self) -> Iterator[None]:
        """Turn a UserError or the fault of a file into a request: running trials write checkpoints first."""
        try:
            yield
        except UserError as error:
            self.because_of(error)
        except OSError as error:
            if error.filename is None:
                raise
            self.because_of(MachineError(fault_text(error) or str(error)))

    def raise_error(self) -> None:
        """Raise the error that requested the stop, if one did."""
        if self._error is not None:
            raise self._error

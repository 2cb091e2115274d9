"""Record that a study is to stop before its end: the user interrupted it, or an error makes it useless to continue."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from data.errors import MachineError, UserError

__all__ = ["FIX_AND_RESUME", "Interrupts", "StopRequest"]

FIX_AND_RESUME = "fix this, then run the same command again to resume"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Count SIGINT and SIGTERM; from the third on, they have their previous effect.

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
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        try:
            yield
        finally:
            self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
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
        interrupts: counts SIGINT and SIGTERM.
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
        """Turn a UserError in the block into a request: running trials write checkpoints before it is raised."""
        try:
            yield
        except UserError as error:
            self.because_of(error)

    def raise_error(self) -> None:
        """Raise the error that requested the stop, if one did."""
        if self._error is not None:
            raise self._error

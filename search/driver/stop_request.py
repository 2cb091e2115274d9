"""Record that a study is to stop before its end: the user interrupted it, or an error makes it useless to continue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from data.errors import MachineError, UserError
from search.driver.interrupts import Interrupts

__all__ = ["FIX_AND_RESUME", "StopRequest"]

FIX_AND_RESUME = "fix this, then run the same command again to resume"


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
        """Request the stop. Only the first error is kept."""
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

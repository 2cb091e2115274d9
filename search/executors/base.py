"""Executor: what the driver needs of whatever trains its trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from core.config import RunConfig
from search.executors.messages import Checked, Message, TrialJob

if TYPE_CHECKING:
    from core.run.speed import Speed

__all__ = ["Executor", "ExecutorError"]


class ExecutorError(RuntimeError):
    """The executor cannot train anything, for example because its workers do not even start."""


class Executor(Protocol):
    """A fixed number of places in which one trial each can run.

    Called from one thread, in this order: :meth:`start`; then :meth:`submit` while :attr:`idle` is above 0, and
    :meth:`events`, answering every :class:`~search.executors.messages.Evaluated` by :meth:`decide`; :meth:`stop` last.
    """

    @property
    def workers(self) -> int:
        """Trials that run at the same time at most."""
        ...

    @property
    def idle(self) -> int:
        """Trials that can be submitted now."""
        ...

    def start(self) -> None:
        """Start the workers; does nothing when they run already."""
        ...

    def measure(self, config: RunConfig) -> Speed:
        """How fast this configuration trains and evaluates here. Only while no trial runs.

        Raises:
            UserError: its input is unusable.
            ExecutorError: the measurement failed.
        """
        ...

    def check(self, configs: Sequence[RunConfig]) -> Checked:
        """Whether the encoders of these configurations can be had and suit them. Only while no trial runs.

        Raises:
            ExecutorError: nobody could say.
        """
        ...

    def submit(self, job: TrialJob) -> int:
        """Hand over a trial; returns the index of its worker, 0 to ``workers - 1``."""
        ...

    def decide(self, number: int, go_on: bool) -> None:
        """Answer a trial's evaluation."""
        ...

    def interrupt(self) -> None:
        """Ask all running trials to write a checkpoint and end; they say so through :meth:`events`."""
        ...

    def events(self, timeout: float | None) -> Sequence[Message]:
        """Wait until something happens, at most ``timeout`` seconds (None: for ever); empty on time-out or wake-up."""
        ...

    def wake(self) -> None:
        """Make a waiting :meth:`events` return; may be called from a signal handler."""
        ...

    def stop(self) -> None:
        """End all workers now; a trial still running is lost back to its last checkpoint."""
        ...

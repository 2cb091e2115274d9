"""The protocol of executors, which train the driver's trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from core.config import RunConfig
from search.executors.messages import Checked, Message, TrialJob

if TYPE_CHECKING:
    from core.run.precision_choice import PrecisionChoice
    from core.run.speed import Speed

__all__ = ["Executor", "ExecutorError"]


class ExecutorError(RuntimeError):
    """Raised when an executor cannot train anything, for example because its workers do not start."""


class Executor(Protocol):
    """A fixed number of workers, each of which trains one trial at a time.

    The driver calls it from one thread, in this order: :meth:`start`; then :meth:`submit` while :attr:`idle` is above
    0, and :meth:`events`, answering every :class:`~search.executors.messages.Evaluated` with :meth:`decide`; finally
    :meth:`stop`.
    """

    @property
    def workers(self) -> int:
        """Maximum number of trials that run at the same time."""
        ...

    @property
    def idle(self) -> int:
        """Number of trials that can be submitted now."""
        ...

    def device(self, worker: int) -> str:
        """Return the name of the device that a worker is pinned to, such as ``cuda:1``; empty if it is not."""
        ...

    def start(self) -> None:
        """Start the workers; does nothing if they are running."""
        ...

    def measure(self, config: RunConfig) -> Speed:
        """Measure how fast this configuration trains and evaluates here. Only while no trial runs.

        Raises:
            UserError: its input is unusable.
            ExecutorError: the measurement failed.
        """
        ...

    def choose_precision(self, config: RunConfig) -> PrecisionChoice:
        """Measure whether a study with this base trains faster in bfloat16 here. Only while no trial runs.

        If the configuration already has a precision, only check that it is supported here.

        Raises:
            UserError: the precision is not supported here, or an input is unusable.
            ExecutorError: the measurement failed.
        """
        ...

    def check(self, configs: Sequence[RunConfig]) -> Checked:
        """Check that the encoders of these configurations can be loaded and suit them. Only while no trial runs.

        Raises:
            UserError: an input cannot be read.
            ExecutorError: the check failed.
        """
        ...

    def submit(self, job: TrialJob) -> int:
        """Give a trial to a worker; returns the worker's index, 0 to ``workers - 1``."""
        ...

    def decide(self, number: int, go_on: bool) -> None:
        """Answer a trial's evaluation: it continues, or ends as pruned."""
        ...

    def interrupt(self) -> None:
        """Ask all running trials to write a checkpoint and end; :meth:`events` reports when they have."""
        ...

    def events(self, timeout: float | None) -> Sequence[Message]:
        """Wait for messages, at most ``timeout`` seconds (None: forever); none after a time-out or :meth:`wake`."""
        ...

    def wake(self) -> None:
        """Make :meth:`events` return if it waits; may be called from a signal handler."""
        ...

    def stop(self) -> None:
        """End all workers now; a trial that still runs loses what it did since its last checkpoint."""
        ...

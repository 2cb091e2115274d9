"""Count how often a trial was interrupted without reaching another rung, and decide whether to try it again.

A trial that kills whatever runs it must not be tried forever, neither by one driver nor by the next. The counts are
therefore kept in the storage. They restart at every rung that no run of the trial had reached before: a trial that
makes progress may be interrupted any number of times.
"""

from __future__ import annotations

import signal
from dataclasses import asdict, dataclass

from optuna.trial import Trial

__all__ = ["RETRIES", "RetryCounter", "RetryLimits", "describe_exit"]

RETRIES = "setbacks"
"""The trial's user attribute with the counts; studies have always stored it under this name."""


@dataclass(frozen=True)
class RetryLimits:
    """How often a trial may be interrupted before its next rung; it fails when either limit is exceeded.

    Attributes:
        crashes: of its run or its worker; the trial is started again on a new process.
        losses: of the driver, killed or lost with the machine, or of a worker's machine. The limit is higher: the trial
            is rarely the cause.
    """

    crashes: int = 2
    losses: int = 10


@dataclass(frozen=True)
class _Counts:
    rung: int = 0
    crashes: int = 0
    losses: int = 0


class RetryCounter:
    """Count the crashes and losses of one trial in the storage.

    Args:
        trial: Optuna's trial, in state RUNNING.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def count_crash(self, rung: int, cause: str, limits: RetryLimits) -> str:
        """Count a crash of the worker or the run.

        Args:
            rung: the last one that the trial has reached.
            cause: what happened, for the reason that is returned.

        Returns:
            Why the trial fails; empty if it is to be started again.
        """
        crashes = self._add(rung, crashes=1).crashes
        if crashes <= limits.crashes:
            return ""
        return f"crashed {crashes} times without reaching another rung; most recently, {cause}"

    def count_loss(self, rung: int, limits: RetryLimits, what: str = "the search was killed") -> str:
        """Count that an earlier driver left the trial running after ``rung``; returns like :meth:`count_crash`."""
        losses = self._add(rung, losses=1).losses
        if losses <= limits.losses:
            return ""
        return f"{what} {losses} times while this trial ran, without reaching another rung"

    def excuse_next_loss(self, rung: int) -> None:
        """Offset the :meth:`count_loss` of the next driver: this one leaves the trial running on purpose."""
        self._add(rung, losses=-1)

    def _add(self, rung: int, *, crashes: int = 0, losses: int = 0) -> _Counts:
        """Add to the stored counts, from 0 if the trial has reached another rung since; returns the new ones."""
        before = _Counts(**self._trial.user_attrs.get(RETRIES, {}))
        if before.rung < rung:
            before = _Counts(rung)
        counts = _Counts(before.rung, before.crashes + crashes, before.losses + losses)
        self._trial.set_user_attr(RETRIES, asdict(counts))
        return counts


def describe_exit(exit_code: int | None) -> str:
    """Describe how a process ended: ``was killed by SIGKILL, perhaps out of memory``."""
    if exit_code is None:
        return "was lost"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}" + (", perhaps out of memory" if exit_code == 137 else "")
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"was killed by {name}" + (", perhaps out of memory" if name == "SIGKILL" else "")

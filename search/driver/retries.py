"""Setbacks: how often a trial broke off without reaching another rung, counted in the storage.

A trial that kills whatever runs it must not be tried for ever, neither by one driver nor by the next. A rung that no
run of the trial had reached before makes the count begin again: one that gets on may break off as often as it likes.
"""

from __future__ import annotations

import signal
from dataclasses import asdict, dataclass, replace

from optuna.trial import Trial

__all__ = ["SETBACKS", "Bounds", "Setbacks", "exit_words"]

SETBACKS = "setbacks"


@dataclass(frozen=True)
class Bounds:
    """What a trial may go through on the way to its next rung; one more of either and it fails.

    Attributes:
        crashes: of its run or its worker; the trial is started again on a fresh process.
        losses: of the driver, killed or gone with the machine while the trial ran; more of them, since a trial is
            hardly ever to blame for that.
    """

    crashes: int = 2
    losses: int = 10


@dataclass(frozen=True)
class _Counts:
    rung: int = 0
    crashes: int = 0
    losses: int = 0


class Setbacks:
    """Counts those of one trial.

    Args:
        trial: Optuna's, RUNNING.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def crash(self, rung: int, cause: str, bounds: Bounds) -> str:
        """Count that worker or run broke off for this cause after ``rung``, the last that the trial has reached.

        Returns:
            Why the trial fails of it; empty where it is to be started again.
        """
        counts = self._since(rung)
        crashes = self._write(replace(counts, crashes=counts.crashes + 1)).crashes
        if crashes <= bounds.crashes:
            return ""
        return f"broke off {crashes} times without reaching another rung; the last time, {cause}"

    def loss(self, rung: int, bounds: Bounds) -> str:
        """Count that an earlier driver left the trial running after ``rung``; returns as :meth:`crash`."""
        counts = self._since(rung)
        losses = self._write(replace(counts, losses=counts.losses + 1)).losses
        if losses <= bounds.losses:
            return ""
        return f"the search was killed {losses} times while this trial ran, without reaching another rung"

    def orderly_stop(self, rung: int) -> None:
        """A driver leaves the trial running on purpose: the next one's :meth:`loss` makes this up."""
        counts = self._since(rung)
        self._write(replace(counts, losses=counts.losses - 1))

    def _since(self, rung: int) -> _Counts:
        counts = _Counts(**self._trial.user_attrs.get(SETBACKS, {}))
        return counts if counts.rung >= rung else _Counts(rung)

    def _write(self, counts: _Counts) -> _Counts:
        self._trial.set_user_attr(SETBACKS, asdict(counts))
        return counts


def exit_words(exit_code: int | None) -> str:
    """How a process ended, for people: ``was killed by SIGKILL, perhaps out of memory``."""
    if exit_code is None:
        return "was lost"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}" + (", perhaps out of memory" if exit_code == 137 else "")
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"was killed by {name}" + (", perhaps out of memory" if name == "SIGKILL" else "")

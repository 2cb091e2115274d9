"""Show that runs wait for an input, such as a data folder whose disk is away, and make a generated corpus again."""

from __future__ import annotations

import time
from collections.abc import Callable

from search.display.notices import notice
from search.executors.patience import WAITED

__all__ = ["InputOutages"]


class InputOutages:
    """Which trials cannot read their inputs; one line says so when the first begins to wait, and one when none does.

    Args:
        restore: called when an outage begins; makes the inputs again that can be made.
    """

    def __init__(self, restore: Callable[[], None]) -> None:
        self._restore = restore
        self._waiting: set[int] = set()
        self._reasons: set[str] = set()
        self._began = 0.0

    def away(self, number: int, reason: str) -> None:
        """Note that a trial waits.

        Raises:
            UserError: inputs cannot be made again.
        """
        if not self._waiting:
            self._reasons.clear()
            self._began = time.monotonic()
        self._waiting.add(number)
        if reason not in self._reasons:
            self._reasons.add(reason)
            notice(f"{reason}; trying again {WAITED}")
            self._restore()

    def advanced(self, number: int) -> None:
        """Note that a trial trains."""
        if number in self._waiting:
            self._waiting.discard(number)
            if not self._waiting:
                notice(f"all inputs can be read again after {time.monotonic() - self._began:.0f} s")

    def ended(self, number: int) -> None:
        """Note that a trial has no worker any more."""
        self._waiting.discard(number)

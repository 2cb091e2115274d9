"""At most so many requests a minute, whatever the number of threads."""

from __future__ import annotations

import time
from threading import Event, Lock

__all__ = ["RateLimit"]


class RateLimit:
    """Spaces the starts of requests evenly: many endpoints count seconds, not minutes, so there is no burst.

    Args:
        per_minute: requests a minute; None for no limit.
        stopped: ends all waiting when it is set.
    """

    def __init__(self, per_minute: float | None, stopped: Event) -> None:
        self._gap = 0.0 if per_minute is None else 60.0 / per_minute  # s
        self._stopped = stopped
        self._lock = Lock()
        self._next = 0.0  # on the monotonic clock, s

    def take(self) -> None:
        """Wait until the next request may start, or until all waiting is ended."""
        while not self._stopped.is_set():
            with self._lock:
                now, start = time.monotonic(), self._next
                if start <= now:
                    self._next = now + self._gap
                    return
            self._stopped.wait(start - now)  # then look again: the endpoint may have asked for a pause meanwhile

    def hold(self, seconds: float) -> None:
        """Start no request within the next seconds, from any thread."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

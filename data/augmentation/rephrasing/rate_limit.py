"""Limit the requests per minute over all threads."""

from __future__ import annotations

import time
from threading import Event, Lock

__all__ = ["RateLimit"]


class RateLimit:
    """A rate limit that spaces requests evenly, without bursts, because many endpoints count per second.

    Args:
        per_minute: requests per minute; None for no limit.
        stopped: ends all waiting when it is set.
    """

    def __init__(self, per_minute: float | None, stopped: Event) -> None:
        self._gap = 0.0 if per_minute is None else 60.0 / per_minute  # s
        self._stopped = stopped
        self._lock = Lock()
        self._next = 0.0  # on the monotonic clock, s

    def take(self) -> None:
        """Wait until the next request may start, or until ``stopped`` is set."""
        while not self._stopped.is_set():
            with self._lock:
                now, start = time.monotonic(), self._next
                if start <= now:
                    self._next = now + self._gap
                    return
            self._stopped.wait(start - now)  # then check again: the endpoint may have asked for a pause meanwhile

    def hold(self, seconds: float) -> None:
        """Start no request within the next seconds, from any thread."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

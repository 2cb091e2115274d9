from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Timer

from data.augmentation.rephrasing.rate_limit import RateLimit


def starts_of(limit: RateLimit, count: int) -> list[float]:
    def take(_: int) -> float:
        limit.take()
        return time.monotonic()

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(take, range(count)))


def test_starts_are_spaced_across_threads() -> None:
    starts = starts_of(RateLimit(1200, Event()), 6)  # 50 ms apart
    assert starts[-1] - starts[0] >= 5 * 0.05 - 0.01


def test_without_a_limit_no_thread_waits() -> None:
    before = time.monotonic()
    starts_of(RateLimit(None, Event()), 6)
    assert time.monotonic() - before < 1


def test_a_pause_holds_those_who_wait_already() -> None:
    limit = RateLimit(600, Event())  # 100 ms apart
    limit.take()
    held = time.monotonic()
    Timer(0.02, limit.hold, [0.4]).start()
    limit.take()  # would have started after 100 ms
    assert time.monotonic() - held >= 0.4


def test_stopping_ends_the_wait() -> None:
    stopped = Event()
    limit = RateLimit(1, stopped)
    limit.take()
    Timer(0.05, stopped.set).start()
    before = time.monotonic()
    limit.take()
    assert time.monotonic() - before < 10

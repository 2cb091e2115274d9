"""Measure how long a run has taken, and how fast it trains."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

__all__ = ["RunClock", "seconds_of"]


class RunClock:
    """Wall-clock seconds of a run, including those before an interruption, and training speed between rungs."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._before = 0.0
        self.begin_lap(0)

    @property
    def seconds(self) -> float:
        """Return the seconds so far."""
        return self._before + time.perf_counter() - self._begun

    def resume(self, seconds: float, examples: int) -> None:
        """Continue counting from the seconds and examples before an interruption."""
        self._before = seconds
        self.begin_lap(examples)

    def begin_lap(self, examples: int) -> None:
        """Start measuring the training speed from here, with this many examples seen."""
        self._lap_begun, self._lap_examples = time.perf_counter(), examples

    def examples_per_second(self, examples: int) -> float:
        """Return the training speed since the lap began."""
        return (examples - self._lap_examples) / max(time.perf_counter() - self._lap_begun, 1e-9)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Return the wall-clock seconds of the work, including everything that it has started on the device."""
    begun = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun

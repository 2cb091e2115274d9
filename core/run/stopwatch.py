"""Time that work takes, on whatever device."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

__all__ = ["seconds_of"]


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Wall-clock seconds of the work, with all that it has started on the device."""
    begun = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun

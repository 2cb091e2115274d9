"""Compute the learning rate as a pure function of a run's progress, with no state to save."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["SCHEDULES", "rate_factor"]

# Each maps the share of the decay that is over, 0 to 1, to a factor of the peak rate.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "linear": lambda over: 1.0 - over,
    "cosine": lambda over: 0.5 * (1.0 + math.cos(math.pi * over)),
    "constant": lambda _: 1.0,
}


def rate_factor(schedule: str, warmup: float, fraction: float) -> float:
    """Return the factor of the peak rate: a linear rise from 0 to 1 over the warm-up, then the schedule's decay.

    Args:
        schedule: a key of :data:`SCHEDULES`.
        warmup: share of the run, 0 to below 1.
        fraction: share of the run that is over, 0 to 1.
    """
    if fraction < warmup:
        return fraction / warmup
    return SCHEDULES[schedule]((min(fraction, 1.0) - warmup) / (1.0 - warmup))

"""Shrink a range of numbers around one of its values, for a fine search there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from search.space.conditions import Condition

__all__ = ["NARROWED", "narrow_range"]

NARROWED = 0.25
"""Width of what is narrowed, as a part of the old width."""

_ROUNDING = 1e-8  # in steps, as for ranges


def narrow_range(
    low: float, high: float, log: bool, step: float | None, value: float, rules: Sequence[Condition]
) -> tuple[Any, Any]:
    """Return the ends of a quarter of the range around ``value``, cut off at the old ends.

    Args:
        low: lower end of the old range, which is included.
        high: upper end, included.
        log: whether the width is one of logarithms.
        step: distance of values from ``low`` on; None for a continuous range. At least the next value on either side
            stays.
        value: in the middle.
        rules: conditions on the setting. The result ends where one of them would change.
    """
    near = _quarter(low, high, log, value)
    if step is not None:
        return _stepped(low, high, step, value, near, rules)
    within = _unchanged(value, rules)
    return max(near[0], low, within[0]), min(near[1], high, within[1])


def _quarter(low: float, high: float, log: bool, value: float) -> tuple[float, float]:
    """Return the ends of a quarter of the range's width, which may lie outside the range."""
    if log:
        factor = (high / low) ** (NARROWED / 2)
        return value / factor, value * factor
    reach = (high - low) * NARROWED / 2
    return value - reach, value + reach


def _stepped(
    low: float, high: float, step: float, value: float, near: tuple[float, float], rules: Sequence[Condition]
) -> tuple[Any, Any]:
    """Return the ends among the old range's steps between which every condition is met, or not, as by ``value``."""
    last = round((high - low) / step)
    at = round((value - low) / step)

    def one(index: int) -> Any:
        # In decimals, as a person would write it: 0.7, not 0.1 + 6 * 0.1 in binary.
        there = Decimal(str(low)) + index * Decimal(str(step))
        return high if index == last else type(low)(there)

    def alike(index: int) -> bool:
        return all(rule.holds(one(index)) == rule.holds(value) for rule in rules)

    ends = [(end - low) / step for end in near]
    first_near = max(min(math.ceil(ends[0] - _ROUNDING), at - 1), 0)
    last_near = min(max(math.floor(ends[1] + _ROUNDING), at + 1), last)
    first = final = at
    while first > first_near and alike(first - 1):
        first -= 1
    while final < last_near and alike(final + 1):
        final += 1
    return one(first), one(final)


def _unchanged(value: float, rules: Sequence[Condition]) -> tuple[float, float]:
    """Return the interval around ``value`` over which every condition keeps the truth value it has at ``value``."""
    low, high = -math.inf, math.inf
    for rule in rules:
        if rule.values and rule.holds(value):
            return value, value
        # Up to a bound, or up to one of several values but for itself.
        numbers = [other for other in rule.values if isinstance(other, int | float)]
        low = max([low, *(math.nextafter(other, math.inf) for other in numbers if other < value)])
        high = min([high, *(math.nextafter(other, -math.inf) for other in numbers if other > value)])
        if rule.above is not None and value > rule.above:
            low = max(low, math.nextafter(rule.above, math.inf))
        elif rule.above is not None:
            high = min(high, rule.above)
        if rule.below is not None and value < rule.below:
            high = min(high, math.nextafter(rule.below, -math.inf))
        elif rule.below is not None:
            low = max(low, rule.below)
    return low, high

"""A space made narrow around one of its runs, for a fine search there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.config import RunConfig
from search.space.conditions import Condition
from search.space.distributions import FloatRange, IntRange
from search.space.paths import get_value
from search.space.simplex import Simplex
from search.space.space import Dimension, Space

__all__ = ["narrow_space"]

SIZE = 0.25  # width of a narrowed range, of the old one's
_SEED = "seed"
_ROUNDING = 1e-8  # in steps, as for distributions


def narrow_space(space: Space, centre: RunConfig) -> Space:
    """The space within ``space`` around a run of it, which is the base of the narrow one. It may be empty.

    Ranges of numbers shrink to a quarter of their width on their own scale, with the run's value in the middle, cut
    off at the old ends; of steps and whole numbers at least the next one on either side stays. Shares of tasks shrink
    likewise. Choices are made: they, and settings that are not searched in the run because of a condition, are no part
    of the narrow space. A range is also cut off where a condition would change, so that no conditions are left. A
    searched seed stays as it is, since a lucky seed is no setting to keep.

    Args:
        space: what was searched.
        centre: a run of it.
    """
    rules = [rule for dimension in space.dimensions for rule in dimension.when]
    narrow = (
        _narrow(dimension, centre, [rule for rule in rules if rule.path == dimension.path])
        for dimension in space.dimensions
        if dimension.is_active(centre)
    )
    return Space(tuple(dimension for dimension in narrow if dimension is not None))


def _narrow(dimension: Dimension, centre: RunConfig, rules: Sequence[Condition]) -> Dimension | None:
    """Without conditions, which hold in all of the narrow space; None where one value is left."""
    old, narrow = dimension.distribution, Dimension(dimension.path, dimension.distribution)
    if dimension.path == _SEED:
        return narrow
    if isinstance(old, Simplex):
        weights = {task: centre.loss.weights[task] for task in old.tasks}
        shares = {task: weight / sum(weights.values()) for task, weight in weights.items()}
        return replace(narrow, distribution=old.around(shares, SIZE))
    if not isinstance(old, FloatRange | IntRange):
        return None
    value = get_value(centre, dimension.path)
    is_continuous = isinstance(old, FloatRange) and old.step is None
    low, high = (_continuous if is_continuous else _stepped)(old, value, rules)
    return replace(narrow, distribution=replace(old, low=low, high=high)) if low < high else None


def _stepped(old: FloatRange | IntRange, value: float, rules: Sequence[Condition]) -> tuple[Any, Any]:
    """The ends among the old range's steps, at most so far that every condition is met, or not, as by ``value``."""
    step = old.step or 1
    last = round((old.high - old.low) / step)
    at = round((value - old.low) / step)

    def one(index: int) -> Any:
        # In decimals, as a person would write it: 0.7, not 0.1 + 6 * 0.1 in binary.
        there = Decimal(str(old.low)) + index * Decimal(str(step))
        return old.high if index == last else type(old.low)(there)

    def alike(index: int) -> bool:
        return all(rule.holds(one(index)) == rule.holds(value) for rule in rules)

    ends = [(end - old.low) / step for end in _around(value, old)]
    first_near = max(min(math.ceil(ends[0] - _ROUNDING), at - 1), 0)
    last_near = min(max(math.floor(ends[1] + _ROUNDING), at + 1), last)
    low = high = at
    while low > first_near and alike(low - 1):
        low -= 1
    while high < last_near and alike(high + 1):
        high += 1
    return one(low), one(high)


def _continuous(old: FloatRange | IntRange, value: float, rules: Sequence[Condition]) -> tuple[Any, Any]:
    ends, within = _around(value, old), _unchanged(value, rules)
    return max(ends[0], old.low, within[0]), min(ends[1], old.high, within[1])


def _around(value: float, old: FloatRange | IntRange) -> tuple[float, float]:
    """The ends of a quarter of the range's width, which may lie outside the range."""
    if old.log:
        factor = (old.high / old.low) ** (SIZE / 2)
        return value / factor, value * factor
    reach = (old.high - old.low) * SIZE / 2
    return value - reach, value + reach


def _unchanged(value: float, rules: Sequence[Condition]) -> tuple[float, float]:
    """The interval around ``value`` in which each of the conditions on it holds, or does not, as it does there."""
    low, high = -math.inf, math.inf
    for rule in rules:
        if rule.values and rule.holds(value):
            return value, value
        # Up to a bound, or up to one of several values but for itself.
        numbers = [other for other in rule.values if isinstance(other, int | float)]
        low = max([low, *(_above(other) for other in numbers if other < value)])
        high = min([high, *(_below(other) for other in numbers if other > value)])
        if rule.above is not None:
            low, high = (max(low, _above(rule.above)), high) if value > rule.above else (low, min(high, rule.above))
        if rule.below is not None:
            low, high = (low, min(high, _below(rule.below))) if value < rule.below else (max(low, rule.below), high)
    return low, high


def _above(bound: float) -> float:
    return math.nextafter(bound, math.inf)


def _below(bound: float) -> float:
    return math.nextafter(bound, -math.inf)

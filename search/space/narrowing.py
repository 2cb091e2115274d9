"""Make a space narrow around one of its runs, for a fine search there."""

from __future__ import annotations

from core.config import RunConfig
from search.space.space import Dimension, Space

__all__ = ["narrow_space"]

_SEED = "seed"


def narrow_space(space: Space, centre: RunConfig) -> Space:
    """Return the space within ``space`` around a run of it, which is the base of the narrow one. It may be empty.

    Ranges of numbers shrink to a quarter of their width on their own scale, with the run's value in the middle, cut
    off at the old ends; of steps and whole numbers at least the next one on either side stays. Shares of tasks shrink
    likewise. Choices are made: they, and settings that are not searched in the run because of a condition, are no part
    of the narrow space. A range is also cut off where a condition would change, so that no conditions are left. A
    searched seed stays as it was, since a lucky seed is no setting to keep.

    Args:
        space: what was searched.
        centre: a run of it.
    """
    rules = [rule for dimension in space.dimensions for rule in dimension.when]
    kept: list[Dimension] = []
    for one in space.dimensions:
        if not one.is_active(centre):
            continue
        mine = [rule for rule in rules if rule.path == one.path]
        narrow = one.distribution if one.path == _SEED else one.distribution.narrowed(centre, one.path, mine)
        if narrow is not None:
            kept.append(Dimension(one.path, narrow))
    return Space(tuple(kept))

"""Say what changed between a recorded space and the present one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search.space.kinds import kind_of
from search.space.space import Dimension, Space

__all__ = ["space_difference"]


def space_difference(old: Mapping[str, Any], new: Space) -> list[str]:
    """Return one line for each change, for example ``optim.learning_rate: high was 0.001, is now 0.01``.

    Args:
        old: what :meth:`~search.space.space.Space.to_json` gave when the study began.
        new: the present space. If it is the same, there are no lines; the order of the settings does not count.
    """
    lines = [f"{path}: was searched, is no longer" for path in old if path not in new.paths]
    lines += [f"{path}: was not searched, now is" for path in new.paths if path not in old]
    for one in new.dimensions:
        if one.path in old:
            lines += [f"{one.path}: {change}" for change in _changes(old[one.path], one)]
    return lines


def _changes(old: Mapping[str, Any], dimension: Dimension) -> Iterator[str]:
    distribution = dimension.distribution
    if distribution.keys[0] not in old:
        yield f"was {kind_of(dimension.path, old).noun}, is now {distribution.noun}"
    else:
        yield from distribution.differences(old, dimension.to_json())

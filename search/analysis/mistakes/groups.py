"""Group dev examples by a column of their file, such as a source or a demographic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.analysis.mistakes.quantile_slices import quarter_of

__all__ = ["EMPTY", "FEWEST", "Group", "groups_of"]

EMPTY = "(empty)"
FEWEST = 20
"""Examples below which a group is joined with others, or not compared: scores of fewer say next to nothing."""

_MANY = 10  # different numbers, beyond which they are cut into quarters
_NO_NUMBER = frozenset({"na", "n/a", "nan", "null", "none"})


@dataclass(frozen=True)
class Group:
    """Examples with the same value in a column.

    Attributes:
        name: the value; a range of numbers; ``(empty)``; or ``other``.
        places: positions of the examples, ascending, (n,) int64.
        joined: how many values are joined in ``other``; 1 for the other groups.
    """

    name: str
    places: np.ndarray
    joined: int = 1


def groups_of(cells: Sequence[str]) -> list[Group]:
    """Group examples by their cells, the largest group first.

    Groups of fewer than 20 examples are joined as ``other``, which comes last, if there are several. Numbers with more
    than ten different values are cut into quarters, in ascending order. Blank cells are the group ``(empty)``; among
    numbers, so are ``NA``, ``nan``, ``null`` and ``none``.
    """
    texts = [cell.strip() for cell in cells]
    numbers = _numbers(texts)
    if numbers is not None and len(np.unique(numbers[~np.isnan(numbers)])) > _MANY:
        return _quarters(numbers)
    names, which, counts = np.unique([text or EMPTY for text in texts], return_inverse=True, return_counts=True)
    large = [one for one in np.argsort(-counts, kind="stable").tolist() if counts[one] >= FEWEST]
    groups = [Group(str(names[one]), np.flatnonzero(which == one)) for one in large]
    small = [one for one in range(len(names)) if counts[one] < FEWEST]
    if len(small) == 1:
        return [*groups, Group(str(names[small[0]]), np.flatnonzero(which == small[0]))]
    return groups + ([Group("other", np.flatnonzero(counts[which] < FEWEST), len(small))] if small else [])


def _numbers(texts: Sequence[str]) -> np.ndarray | None:
    """Return the cells as numbers, (N,), NaN where they are empty; None if one is no finite number."""
    found = []
    for text in texts:
        try:
            number = math.nan if not text or text.casefold() in _NO_NUMBER else float(text)
        except ValueError:
            return None
        found.append(number)
    numbers = np.array(found)
    return None if np.isinf(numbers).any() else numbers


def _quarters(numbers: np.ndarray) -> list[Group]:
    known = np.flatnonzero(~np.isnan(numbers))
    which = quarter_of(numbers[known])
    groups = [_range(numbers, known[which == one]) for one in np.unique(which)]
    empty = np.flatnonzero(np.isnan(numbers))
    return groups + ([Group(EMPTY, empty)] if empty.size else [])


def _range(numbers: np.ndarray, places: np.ndarray) -> Group:
    low, high = f"{numbers[places].min():.6g}", f"{numbers[places].max():.6g}"
    return Group(low if low == high else f"{low} to {high}", places)

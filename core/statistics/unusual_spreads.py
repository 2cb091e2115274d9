"""Find groups whose values vary more than those of the other groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["unusual_spreads"]

_ERROR = 0.001  # how often a step takes out a group although all have one variance
_ALIKE = 1e-9  # scores (0 to 1) that differ by less are the same but for rounding


def unusual_spreads(groups: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Find the groups whose variance is too large to be that of the others.

    Each group is tested against all others together with an F test. The group with the smallest p is set aside, then
    the next one among the rest, and so on until half of them are gone. The last one with p < 0.001 / groups in its test
    is unusual, and so are all that were set aside before it (generalised ESD; Rosner 1983). A rule that stops at the
    first group that passes would miss both of two unusual ones: each widens the comparison group of the other. The
    level is strict: three seeds say little about a variance, and a group that is left out is not pooled.

    If the other groups do not vary at all, there is nothing to compare with, and no group is unusual.

    Args:
        groups: (n,) each, with individual n; groups of one value neither are tested nor count.

    Returns:
        Places in ``groups``, ascending; at most half of those with two values.
    """
    rest = [place for place, group in enumerate(groups) if len(group) > 1]
    squares = {place: float(((groups[place] - groups[place].mean()) ** 2).sum()) for place in rest}
    aside: list[int] = []
    unusual = 0
    for _ in range(len(rest) // 2):
        p_values = _p_values([squares[place] for place in rest], [len(groups[place]) - 1 for place in rest])
        smallest = int(p_values.argmin())
        if p_values[smallest] < _ERROR / len(rest):
            unusual = len(aside) + 1
        aside.append(rest.pop(smallest))
    return tuple(sorted(aside[:unusual]))


def _p_values(squares: Sequence[float], freedom: Sequence[int]) -> np.ndarray:
    """Compute p values, (groups,), of each group's variance against that of all others; 1 where these do not vary."""
    from scipy import stats

    own, degrees = np.array(squares), np.array(freedom)
    others = ~np.eye(len(own), dtype=bool)
    against = others @ own  # not sum - own, which would leave rounding where the others are alike
    differ = against > _ALIKE**2
    ratios = np.where(differ, (own / degrees) / (np.where(differ, against, 1.0) / (others @ degrees)), 0.0)
    return np.asarray(stats.f.sf(ratios, degrees, others @ degrees))

"""Rows of a comparison over seeds whose runs differ so much that their intervals are their own, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["apart_words"]


def apart_words(apart: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each row whose spread over seeds is not pooled with the others'.

    Args:
        apart: by row, the scores in which :attr:`core.statistics.ScoreIntervals.apart` names it; rows without any are
            left out. For ``overall`` alone no score is named.
    """
    lines = []
    for row, scores in apart.items():
        if scores:
            where = "" if list(scores) == ["overall"] else f" in {' and '.join(scores)}"
            lines.append(f"The runs of {row} differ so much among themselves{where} that its interval is its own.")
    return lines

"""Kinds of task: what is read and what is predicted."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Kind"]


class Kind(StrEnum):
    """What is read (one sentence or a pair) and what is predicted (a class or a score)."""

    CLASSIFY = "classify"
    CLASSIFY_PAIR = "classify-pair"
    SCORE = "score"
    SCORE_PAIR = "score-pair"

    @property
    def is_pair(self) -> bool:
        """Whether an example has two sentences."""
        return self in (Kind.CLASSIFY_PAIR, Kind.SCORE_PAIR)

    @property
    def is_score(self) -> bool:
        """Whether a number is predicted, not a class."""
        return self in (Kind.SCORE, Kind.SCORE_PAIR)

"""Explain the intervals of scores over seeds: what ± stands for, and which rows have an interval of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["apart_notes", "interval_note", "interval_scope"]


def interval_note(seeds_known: bool, examples_unknown: str) -> str:
    """What half an interval says, in a sentence.

    Args:
        seeds_known: whether the spread over seeds is in the intervals.
        examples_unknown: why the dev examples are not; empty if they are.
    """
    if seeds_known and not examples_unknown:
        return "± is half a 95 % interval: how far other dev examples and other seeds may move the number."
    if not seeds_known and examples_unknown:
        return f"There are no intervals: there is one seed, and of the dev examples: {examples_unknown}."
    return f"± is half a 95 % interval {interval_scope(seeds_known, examples_unknown)}."


def interval_scope(seeds_known: bool, examples_unknown: str) -> str:
    """What an interval is for: ``for other dev examples and other seeds``; empty where there is none."""
    match seeds_known, examples_unknown:
        case True, "":
            return "for other dev examples and other seeds"
        case False, "":
            return "for other dev examples alone: with one seed, the spread is not known"
        case True, reason:
            return f"for other seeds alone, not for other dev examples: {reason}"
        case _:
            return ""


def apart_notes(apart: Mapping[str, Sequence[str]]) -> list[str]:
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

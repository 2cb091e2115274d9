"""Explain the intervals of scores over seeds: what ± stands for, and which rows have an interval of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["apart_notes", "interval_note", "interval_scope"]

_ONE_SEED = "with one seed per configuration, the spread over seeds is not known"


def interval_note(seeds_known: bool, examples_unknown: str) -> str:
    """Explain the ± in a sentence.

    Args:
        seeds_known: whether the intervals include the variation between seeds.
        examples_unknown: why they do not include that between dev examples; empty if they do.
    """
    scope = interval_scope(seeds_known, examples_unknown)
    if scope:
        return f"± is half the width of a 95 % interval {scope}."
    return f"There are no intervals: {_ONE_SEED}, and neither is the effect of other dev examples: {examples_unknown}."


def interval_scope(seeds_known: bool, examples_unknown: str) -> str:
    """Say what an interval is for, such as ``for other dev examples and other seeds``; empty if there is none."""
    match seeds_known, examples_unknown:
        case True, "":
            return "for other dev examples and other seeds"
        case False, "":
            return f"for other dev examples only: {_ONE_SEED}"
        case True, reason:
            return f"for other seeds only, not for other dev examples: {reason}"
        case _:
            return ""


def apart_notes(apart: Mapping[str, Sequence[str]]) -> list[str]:
    """Write a sentence for each row whose spread over seeds is not pooled with the others'.

    Args:
        apart: by row, the scores for which :attr:`core.statistics.ScoreIntervals.apart` names it; rows without any are
            left out. For ``overall`` alone no score is named.
    """
    lines = []
    for row, scores in apart.items():
        if scores:
            where = "" if list(scores) == ["overall"] else f" in {' and '.join(scores)}"
            lines.append(f"The runs of {row} vary so much{where} that its interval is based on them alone.")
    return lines

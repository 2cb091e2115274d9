"""Show scores by group: a table, a sentence on the worst group, and unrounded numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.statistics import Interval
from data.metrics import Metric
from search.analysis.mistakes.group_scores import GroupScore
from search.analysis.mistakes.groups import FEWEST
from search.display.table import Table

__all__ = ["group_frame", "group_sentences", "group_table", "shortened"]

_WIDEST = 60  # characters of a name
_NAMED = 5
_NUMBERS = ("score", "low", "high", "rest", "difference", "difference_low", "difference_high")


def group_table(rows: Sequence[GroupScore], column: str, metric: Metric) -> Table:
    """Make a table of the groups in their order, with their scores and differences to the rest."""
    headings = (shortened(column), "examples", metric.label, "difference to the rest", "verdict")
    cells = tuple((_name(row), f"{len(row.group.places):,}", _score(row), *_difference(row)) for row in rows)
    return Table(f"{_capital(metric.label)} by {shortened(column)}", headings, cells)


def group_sentences(rows: Sequence[GroupScore], column: str, metric: Metric) -> list[str]:
    """Name the worst group and say whether it is clearly worse than the rest, then others that are; or why none is."""
    if len(rows) == 1:
        return [f"All examples are in one group ({_quoted(rows[0])}), so there is nothing to compare."]
    scored = [(row, row.score) for row in rows if row.score is not None]
    if not scored:
        return [f"{_capital(metric.label)} is undefined in every group."]
    worst, score = scored[0]
    for row, one in scored[1:]:
        if metric.gain(one, score) < 0:
            worst, score = row, one
    extreme = "Lowest" if metric.larger_is_better else "Highest"
    count = f"{len(worst.group.places):,} example{'' if len(worst.group.places) == 1 else 's'}"
    start = f"{extreme} {metric.label} by {shortened(column)}: {score:.3f} for {_quoted(worst)} ({count})"
    lines = [f"{start}, {_verdict(worst, rows)}."]
    others = [_quoted(row) for row in rows if row is not worst and row.verdict == "clearly worse"]
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        lines.append(f"Clearly worse than the rest as well: {', '.join(others[:_NAMED])}{more}.")
    return lines


def group_frame(rows: Sequence[GroupScore], column: str, metric: Metric) -> pd.DataFrame:
    """List the groups with unrounded numbers; what is unknown is empty."""
    frame = pd.DataFrame([_record(row, column, metric) for row in rows])
    return frame.astype(dict.fromkeys(_NUMBERS, float))


def _record(row: GroupScore, column: str, metric: Metric) -> dict[str, object]:
    gap = row.difference
    return {
        "column": column,
        "group": row.group.name,
        "values": row.group.joined,
        "examples": len(row.group.places),
        "metric": metric.name,
        "score": row.score,
        "low": row.low,
        "high": row.high,
        "rest": row.rest,
        "difference": None if gap is None else gap.value,
        "difference_low": None if gap is None else gap.low,
        "difference_high": None if gap is None else gap.high,
        "verdict": row.verdict,
        "note": row.note,
    }


def shortened(name: str) -> str:
    """Return a name from a file in one line of at most 60 characters."""
    text = " ".join(name.split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1].rstrip()}…"


def _name(row: GroupScore) -> str:
    if row.group.joined == 1:
        return shortened(row.group.name)
    return f"{row.group.name} ({row.group.joined:,} groups of fewer than {FEWEST})"


def _quoted(row: GroupScore) -> str:
    return f"'{_name(row)}'"


def _score(row: GroupScore) -> str:
    if row.score is None:
        return row.note
    return f"{row.score:.3f}" if row.low is None else f"{row.score:.3f} [{row.low:.3f}, {row.high:.3f}]"


def _difference(row: GroupScore) -> tuple[str, str]:
    if row.difference is None:
        return "", "" if row.score is None else row.note
    gap = row.difference
    return f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]", row.verdict


def _verdict(row: GroupScore, rows: Sequence[GroupScore]) -> str:
    """Compare the worst group with the rest."""
    if row.difference is None:
        return f"not compared with the rest: {row.note}"
    gap: Interval = row.difference
    side = f"{abs(gap.value):.3f} {'below' if gap.value < 0 else 'above'} the rest ({row.rest:.3f})"
    compared = sum(one.difference is not None for one in rows)
    together = f" for {'both' if compared == 2 else f'all {compared}'} groups together"
    together = together if compared > 1 and len(rows) > 2 else ""  # the difference of two groups is a single one
    clear = "this may be chance" if row.verdict == "may be chance" else f"it is {row.verdict}"
    return f"{side}; {clear} (95 % interval of the difference {gap.low:+.3f} to {gap.high:+.3f}{together})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

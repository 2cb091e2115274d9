"""Describe predicted classes: which are confused, and whether their probabilities match the accuracy."""

from __future__ import annotations

from collections.abc import Sequence

from core.statistics import Calibration, Interval
from search.analysis.calibration_lines import error_text
from search.display.table import Table

__all__ = ["calibration_text", "confusion_sentence", "confusion_table"]

_NAMED = 3


def confusion_table(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Table:
    """Make a table of counts with their shares of the gold class.

    Args:
        counts: examples of each gold class (rows) by predicted class (columns), (K, K).
        classes: their names, K.
    """
    shares = tuple(tuple(count / max(sum(row), 1) for count in row) for row in counts)
    rows = tuple(
        (label, *(_cell(count, share) for count, share in zip(row, of_row, strict=True)))
        for label, row, of_row in zip(classes, counts, shares, strict=True)
    )
    caption = "Dev examples by gold class (row) and predicted class (column)"
    return Table(caption, ("gold", *classes), rows, shares)


def confusion_sentence(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Name the three most frequent confusions; see :func:`confusion_table` for the arguments."""
    pairs = [(gold, taken) for gold in range(len(counts)) for taken in range(len(counts)) if gold != taken]
    pairs.sort(key=lambda pair: -counts[pair[0]][pair[1]])
    said = [_confusion(counts[gold], gold, taken, classes) for gold, taken in pairs[:_NAMED] if counts[gold][taken]]
    return f"Most frequent confusions: {'; '.join(said)}." if said else "All dev examples are predicted correctly."


def _confusion(row: Sequence[int], gold: int, taken: int, classes: Sequence[str]) -> str:
    total, count = sum(row), row[taken]
    share = f"{100 * count / total:.0f} %"
    return f"{count} of {total} '{classes[gold]}' examples ({share}) predicted as '{classes[taken]}'"


def calibration_text(found: Calibration) -> str:
    """Say whether a run is over- or underconfident, by how much, and which temperature would correct it."""
    error = found.error
    ece = (
        f"ECE {error_text(error)} over {len(found.bins)} bins of about equal size; perfect probabilities would give "
        f"{found.chance:.3f} by chance"
    )
    return f"{_verdict(found.gap)}. {ece}. {_correction(found)}."


def _correction(found: Calibration) -> str:
    if found.fit.reason:
        return f"No temperature can correct it: {found.fit.reason}"
    return (
        f"Temperature {found.fit.temperature:.2f} fits best by likelihood. Out of sample, with temperatures that were "
        f"fitted to four fifths of the examples and measured on the last fifth, the ECE is "
        f"{error_text(found.error_tempered)} after it"
    )


def _verdict(gap: Interval) -> str:
    if gap.holds_zero:
        return f"Confidence matches accuracy on average: difference {gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
    over = gap.value > 0
    low, high = sorted((abs(gap.low), abs(gap.high)))
    size = f"{abs(gap.value):.3f} [{low:.3f}, {high:.3f}]"
    return (
        f"The model is {'over' if over else 'under'}confident: its mean probability of the predicted class is {size} "
        f"{'above' if over else 'below'} its accuracy"
    )


def _cell(count: int, share: float) -> str:
    return f"{count} ({100 * share:.0f} %)" if count else "0"

"""Show which classes are confused, as a table and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from search.display.table import Table

__all__ = ["confusion_sentence", "confusion_table"]

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


def _cell(count: int, share: float) -> str:
    return f"{count} ({100 * share:.0f} %)" if count else "0"

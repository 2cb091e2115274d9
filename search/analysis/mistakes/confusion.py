"""Which classes are taken for which, as a table and in words."""

from __future__ import annotations

from collections.abc import Sequence

from search.display.table import Table

__all__ = ["confusion_sentence", "confusion_table"]

_NAMED = 3


def confusion_table(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> Table:
    """Counts with their shares of the gold class.

    Args:
        counts: examples of each gold class (rows) taken for each class (columns), (K, K).
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
    """The three most frequent confusions; arguments as :func:`confusion_table`."""
    pairs = [(gold, taken) for gold in range(len(counts)) for taken in range(len(counts)) if gold != taken]
    pairs.sort(key=lambda pair: -counts[pair[0]][pair[1]])
    said = [_words(counts[gold], gold, taken, classes) for gold, taken in pairs[:_NAMED] if counts[gold][taken]]
    return f"Of {'; of '.join(said)}." if said else "All dev examples are right."


def _words(row: Sequence[int], gold: int, taken: int, classes: Sequence[str]) -> str:
    total, count = sum(row), row[taken]
    share, verb = f"{100 * count / total:.0f} %", "is" if count == 1 else "are"
    return f"{total} '{classes[gold]}' examples {count} ({share}) {verb} taken for '{classes[taken]}'"


def _cell(count: int, share: float) -> str:
    return f"{count} ({100 * share:.0f} %)" if count else "0"

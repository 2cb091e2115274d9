"""Tell classes from scores by the cells of a label column, and name the classes or the range of the scores."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from data.errors import UserError, quoted
from search.init.column_names import is_class_name, is_score_name
from search.init.column_profile import ColumnProfile, finite

__all__ = ["MOST_CLASSES", "ScoreRange", "class_counts", "guess_prediction", "score_range", "what_is_wrong"]

MOST_CLASSES: Final = 200
_FEW: Final = 20  # different whole numbers that may be classes as well as scores
_NUMERIC: Final = 0.95  # share of numbers in a column of scores; other cells are reported as malformed
_MISSING: Final = frozenset({"nan", "n/a", "#n/a"})
_SCALES: Final = (
    (0, 1),
    (-1, 1),
    (1, 3),
    (0, 3),
    (1, 4),
    (0, 4),
    (1, 5),
    (0, 5),
    (1, 6),
    (1, 7),
    (1, 10),
    (0, 10),
    (0, 100),
)
_COVERED: Final = 0.7  # least share of a usual scale between the lowest and the highest score

Prediction = Literal["classes", "scores"]


@dataclass(frozen=True)
class ScoreRange:
    """The lowest and the highest possible score, and why."""

    low: float
    high: float
    why: str


def what_is_wrong(label: ColumnProfile) -> str:
    """Say why a column cannot be predicted, as a phrase after its name; empty if it can."""
    if label.distinct < 2:
        return f"has {'the same value in every row' if label.distinct else 'no values'}, so there is nothing to learn"
    if label.numeric < _NUMERIC:
        listed = f"{label.distinct:,} different values in {label.filled:,} rows"
        if label.distinct > label.filled / 2:
            return f"has {listed}: these are texts or ids, no classes"
        if label.distinct > MOST_CLASSES:
            return f"has {listed}, but init proposes at most {MOST_CLASSES} classes; merge rare ones"
    return ""


def guess_prediction(label: ColumnProfile) -> tuple[Prediction, str, bool]:
    """Guess what a label column is for.

    Returns:
        The guess, why in a phrase, and whether it is sure enough not to ask.
    """
    values = [value for cell in label.counts if (value := finite(cell)) is not None]
    if label.numeric < _NUMERIC or (label.numeric < 1 and len(values) <= _FEW):
        return "classes", "labels are words", True
    different = len(set(values))
    if different == 2:
        return "classes", "two different values", True
    if not all(map(float.is_integer, values)):
        return "scores", "numbers with fractions", True
    contiguous = min(values) == 0 and max(values) == different - 1
    may_be_classes = different <= min(MOST_CLASSES, label.filled / 2) and not is_score_name(label.name)
    if contiguous and may_be_classes and (different <= _FEW or is_class_name(label.name)):
        return "classes", f"numbers 0 to {different - 1}, as class numbers are", True
    if different > _FEW:
        return "scores", f"{different} different numbers", True
    if is_score_name(label.name):
        return "scores", f"{different} different numbers under the name {quoted(label.name)}", True
    likely: Prediction = "classes" if is_class_name(label.name) else "scores"
    return likely, f"{different} different whole numbers", False


def class_counts(cells: Mapping[str, int]) -> dict[str, int]:
    """Return how often each class occurs, under the name to give it, in label order.

    Spellings that the reader of labels takes for one class count as one: ``1`` and ``1.0``; ``True`` and ``true`` if
    nothing but true and false occurs. Numbers ascend, and words are in alphabetical order. Cells that stand for a
    missing label, such as ``nan``, are no class.
    """
    known = {cell: count for cell, count in cells.items() if cell.casefold() not in _MISSING}
    values = {cell: finite(cell) for cell in known}
    merged: Counter[str] = Counter()
    if None not in values.values():
        names: dict[float | None, str] = {}
        for cell in sorted(known, key=lambda cell: -known[cell]):
            name = names.setdefault(values[cell], re.sub(r"(?<=\d)\.0*$", "", cell))
            merged[name] += known[cell]
        return {name: merged[name] for name in sorted(merged, key=float)}
    is_boolean = {cell.casefold() for cell in known} == {"false", "true"}
    for cell, count in known.items():
        merged[cell.casefold() if is_boolean else cell] += count
    return {name: merged[name] for name in sorted(merged, key=lambda name: (name.casefold(), name))}


def score_range(label: ColumnProfile, others: Mapping[str, int]) -> ScoreRange:
    """Return the range of the scores: a usual scale that they fill, or else the whole numbers around them.

    Args:
        label: the column in the training file.
        others: cells of the column in the other files.

    Raises:
        UserError: they are too far apart, or all equal.
    """
    scores = [value for cell in (*label.counts, *others) if (value := finite(cell)) is not None]
    low, high = min(scores), max(scores)
    if not low < high or not math.isfinite(high - low):
        raise UserError(f"column {quoted(label.name)} has scores from {low:g} to {high:g}, which give no score range")
    found = f"scores lie between {low:g} and {high:g}"
    for start, end in sorted(_SCALES, key=lambda scale: scale[1] - scale[0]):
        if start <= low and high <= end and high - low >= _COVERED * (end - start):
            return ScoreRange(start, end, found)
    if max(abs(low), abs(high)) > 2**53 or high - low < 1:
        return ScoreRange(low, high, f"{found}; widen the range if others are possible")
    return ScoreRange(math.floor(low), math.ceil(high), f"{found}; widen the range if others are possible")

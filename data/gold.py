"""Parse gold labels from the text of a file."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from data.errors import quoted
from data.tasks import TaskSpec

__all__ = ["Labels", "label_array", "label_parser"]

Labels = npt.NDArray[np.int64] | npt.NDArray[np.float32]
"""Class indices or scores, one per example."""


def label_parser(spec: TaskSpec) -> Callable[[str], float]:
    """Return a function that turns the text of a label cell into a class index or a score.

    The function raises ValueError with the reason if the text is not a label of the task.
    """
    return _score_parser(spec) if spec.kind.is_score else _class_parser(spec)


def label_array(spec: TaskSpec, labels: list[float]) -> Labels:
    """Return parsed labels as an array: int64 class indices or float32 scores."""
    return np.array(labels, dtype=np.float32) if spec.kind.is_score else np.array(labels, dtype=np.int64)


def _score_parser(spec: TaskSpec) -> Callable[[str], float]:
    assert spec.score_range is not None  # TaskSpec checks it
    low, high = spec.score_range

    def parse(text: str) -> float:
        score = _number(text)
        if not math.isfinite(score):
            raise ValueError(f"{quoted(text.strip())} is not a finite score")
        if not low <= score <= high:
            raise ValueError(f"score must be within {low:g} to {high:g}, got {text.strip()}")
        return score

    return parse


def _class_parser(spec: TaskSpec) -> Callable[[str], int]:
    named = {name: index for index, name in enumerate(spec.classes)}
    # A class may have blanks at the ends of its name, which people do not see in a file.
    stripped: dict[str, int | None] = {}
    for name, index in named.items():
        stripped[name.strip()] = None if name.strip() in stripped else index
    # Classes named by numbers, such as ratings 1 to 5, are matched by their names, never by their indices.
    numbers = {value: index for name, index in named.items() if (value := _as_number(name)) is not None}
    numbers = numbers or {float(index): index for index in named.values()}
    booleans = _booleans(spec.classes, numbers)

    def parse(text: str) -> int:
        label = text.strip()
        if not label:
            raise ValueError("no label")
        index = named.get(text, named.get(label, stripped.get(label)))
        if index is None:
            value = _as_number(label)
            index = booleans.get(label.casefold()) if value is None else numbers.get(value)
        if index is None:
            raise ValueError(f"label must be one of {_listed(spec.classes, numbers)}, got {quoted(label)}")
        return index

    return parse


def _booleans(classes: tuple[str, ...], numbers: dict[float, int]) -> dict[str, int]:
    """Return the class that true and false mean, however they are capitalised: pandas and JSON differ in that.

    They are classes of these names, or of two others the numbers 1 and 0.
    """
    named = {name.strip().casefold(): index for index, name in enumerate(classes)}
    if {"true", "false"} <= named.keys():
        return {word: named[word] for word in ("true", "false")}
    return {"false": numbers[0.0], "true": numbers[1.0]} if len(classes) == 2 and {0.0, 1.0} <= numbers.keys() else {}


def _listed(classes: tuple[str, ...], numbers: dict[float, int]) -> str:
    names = ", ".join(f"'{name}'" for name in classes)
    return f"{names} or their numbers {min(numbers):g} to {max(numbers):g}"


def _as_number(text: str) -> float | None:
    if "_" in text:  # Python reads 1_0 as ten
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _number(text: str) -> float:
    if not text.strip():
        raise ValueError("no label")
    value = _as_number(text)
    if value is None:
        raise ValueError(f"{quoted(text.strip())} is not a number")
    return value

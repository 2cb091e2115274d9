"""The values of a setting as numbers, from which models of the score learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["NumberKind", "Numbers", "choice_numbers"]

NumberKind = Literal["number", "choice", "shares", "fixed"]


@dataclass(frozen=True)
class Numbers:
    """A setting in n trials.

    Attributes:
        kind: how the effect of the setting is shown: ``number`` as a line, ``choice`` as one mean for each of few
            values, ``shares`` as one line for each part; ``fixed`` has no effect of its own.
        columns: (n, k) float32. A number is one column, from 0 to 1 over its range, on the scale that it is searched
            on; choices without an order have one column each.
        is_log: whether that scale is logarithmic.
        tasks: names of the parts, of shares.
        unset: trials that are searched and still have no value, (n,) bool; None: there are none.
    """

    kind: NumberKind
    columns: np.ndarray
    is_log: bool = False
    tasks: tuple[str, ...] = ()
    unset: np.ndarray | None = None


def choice_numbers(values: Sequence[Any], listed: Sequence[Any]) -> Numbers:
    """Return numbers in their order, with "none" below them; other choices have a column each."""
    given = [value for value in listed if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        ranks = {value: rank / max(len(given) - 1, 1) for rank, value in enumerate(sorted(given))}
        return Numbers("choice", np.array([[ranks.get(value, -1.0)] for value in values], np.float32))
    return Numbers("choice", np.array([[float(value == one) for one in listed] for value in values], np.float32))

"""Trials that failed, grouped by what went wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

__all__ = ["Failure", "failures"]

_NUMBER = re.compile(r"\d+(\.\d+)?")
_HINTS = (
    (
        re.compile("out of memory", re.IGNORECASE),
        "a smaller batch_size, fewer workers, or a narrower range of what makes a model large",
    ),
    (re.compile(r"not finite|diverge|\bnan\b", re.IGNORECASE), "a lower upper end for the learning rate"),
)


@dataclass(frozen=True)
class Failure:
    """Trials that failed alike.

    Attributes:
        reason: of the first of them, its first line.
        trials: their numbers.
        hint: what may help; empty where we do not know.
    """

    reason: str
    trials: tuple[int, ...]
    hint: str


def failures(table: pd.DataFrame) -> list[Failure]:
    """Of all failed trials, those that most trials share first; reasons that differ in numbers only are the same."""
    groups: dict[str, list[tuple[int, str]]] = {}
    failed = table[table["state"] == "failed"]
    for number, reason in zip(failed["trial"].tolist(), failed["reason"].tolist(), strict=True):
        line = (reason or "no reason is recorded").splitlines()[0]
        groups.setdefault(_NUMBER.sub("N", line), []).append((number, line))
    found = [
        Failure(group[0][1], tuple(number for number, _ in group), _hint(group[0][1])) for group in groups.values()
    ]
    return sorted(found, key=lambda one: -len(one.trials))


def _hint(reason: str) -> str:
    return next((hint for pattern, hint in _HINTS if pattern.search(reason)), "")

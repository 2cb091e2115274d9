"""Group failed trials by reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

__all__ = ["Failure", "failures"]

_NUMBER = re.compile(r"\d+(\.\d+)?")
_HINTS = (
    (
        re.compile("out of memory", re.IGNORECASE),
        "a smaller batch_size, fewer workers, or a narrower range for settings that make a model large",
    ),
    (re.compile(r"not finite|diverge|\bnan\b", re.IGNORECASE), "a lower upper bound for the learning rate"),
)


@dataclass(frozen=True)
class Failure:
    """Trials that failed for the same reason.

    Attributes:
        reason: first line of the first trial's reason.
        trials: their numbers.
        hint: what may help; empty if unknown.
    """

    reason: str
    trials: tuple[int, ...]
    hint: str


def failures(table: pd.DataFrame) -> list[Failure]:
    """Return the groups, the largest first; reasons that differ only in numbers are the same."""
    groups: dict[str, list[tuple[int, str]]] = {}
    failed = table[table["state"] == "failed"]
    for number, reason in zip(failed["trial"].tolist(), failed["reason"].tolist(), strict=True):
        line = (reason or "no reason recorded").splitlines()[0]
        groups.setdefault(_NUMBER.sub("N", line), []).append((number, line))
    found = [
        Failure(group[0][1], tuple(number for number, _ in group), _hint(group[0][1])) for group in groups.values()
    ]
    return sorted(found, key=lambda one: -len(one.trials))


def _hint(reason: str) -> str:
    return next((hint for pattern, hint in _HINTS if pattern.search(reason)), "")

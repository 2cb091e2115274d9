"""Hold how many real tokens were trained in how many seconds, take measurements in turns, and show them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Measured", "Timed", "in_turns", "markdown", "median_ratio"]


@dataclass(frozen=True)
class Timed:
    """Real tokens, padding not counted, and seconds."""

    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Return tokens per second."""
        return self.tokens / self.seconds


class Measured(Protocol):
    """Something that trains."""

    def measure(self, steps: int, seed: int) -> Timed:
        """Time that many steps, after one or more that warm up; the seed draws the batches."""


def in_turns(measured: Mapping[str, Measured], steps: int, rounds: int) -> dict[str, list[float]]:
    """Return tokens per second of each in every round; the order changes from round to round."""
    rates: dict[str, list[float]] = {name: [] for name in measured}
    names = list(measured)
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            rates[name].append(measured[name].measure(steps, number).rate)
    return rates


def median_ratio(rates: list[float], reference: list[float]) -> float:
    """Return the median over the rounds of a rate's ratio to the reference in the same round."""
    return statistics.median(a / b for a, b in zip(rates, reference, strict=True))


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""Sizes, positions and counted turns that the tests of several batch orders use."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st

from core.batch_orders import (
    BatchOrder,
)
from core.run.progress import Progress

SIZES = {"sst": 8_544, "para": 27_656, "sts": 6_040}
tables = st.lists(st.tuples(st.integers(1, 2_000), st.integers(1, 64)), min_size=1, max_size=5)


def at(step: int, epochs: int = 10, planned: int = 1_000_000) -> Progress:
    return Progress(step=step, examples=step, planned=planned, epochs=epochs)


def counts(order: BatchOrder, steps: range, **progress: int) -> Counter[str]:
    return Counter(task for step in steps for task in order.next(at(step, **progress)))


def named(table: list[tuple[int, int]]) -> tuple[dict[str, int], dict[str, int]]:
    return {f"t{i}": n for i, (n, _) in enumerate(table)}, {f"t{i}": b for i, (_, b) in enumerate(table)}

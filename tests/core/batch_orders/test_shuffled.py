"""The batches of all tasks shuffled together."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.batch_orders import (
    Shuffled,
)
from tests.core.batch_orders.turns import at, counts, named, tables


def test_a_shuffled_pass_has_every_batch_once() -> None:
    order = Shuffled({"a": 100, "b": 33, "c": 3}, {"a": 10, "b": 8, "c": 16}, seed=0)
    passes = [[order.next(at(16 * k + turn))[0] for turn in range(16)] for k in range(30)]
    assert all(Counter(one) == {"a": 10, "b": 5, "c": 1} for one in passes)
    assert len({tuple(one) for one in passes}) == 30  # 16! / (10! 5! 1!) = 48,048 orders


def test_a_shuffled_pass_is_a_uniform_permutation() -> None:
    order = Shuffled({"a": 2, "b": 1, "c": 1}, dict.fromkeys("abc", 1), seed=1)
    seen = Counter("".join(order.next(at(4 * k + turn))[0] for turn in range(4)) for k in range(2_400))
    assert len(seen) == 12
    assert stats.chisquare(list(seen.values())).pvalue > 1e-3


@given(tables, st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_over_a_pass_each_task_has_the_share_of_its_batches(
    table: list[tuple[int, int]], seed: int, number: int
) -> None:
    sizes, batches = named(table)
    promised = {task: -(-size // batches[task]) for task, size in sizes.items()}
    length = sum(promised.values())
    seen = counts(Shuffled(sizes, batches, seed), range(number * length, (number + 1) * length))
    assert seen == promised

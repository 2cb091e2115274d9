"""Truncated round robin: an epoch ends with the task that has the fewest whole batches."""

from __future__ import annotations

from core.batch_orders import (
    RoundRobinTruncated,
)
from tests.core.batch_orders.turns import at


def test_truncated_round_robin_ends_with_the_set_of_fewest_batches() -> None:
    """8 batches of a, 4 whole ones of b, 5 of c: b ends first though c has fewer examples."""
    order = RoundRobinTruncated({"a": 80, "b": 70, "c": 10}, {"a": 10, "b": 16, "c": 2})
    assert [order.next(at(step))[0] for step in range(5)] == ["a", "b", "c", "a", "b"]
    assert [step for step in range(40) if order.restarts(at(step))] == [12, 24, 36]


def test_truncated_round_robin_with_a_set_smaller_than_a_batch_has_epochs_of_one_round() -> None:
    order = RoundRobinTruncated({"a": 80, "b": 3}, {"a": 10, "b": 16})
    assert [step for step in range(7) if order.restarts(at(step))] == [2, 4, 6]

"""Round robin: the tasks take turns."""

from __future__ import annotations

from core.batch_orders import (
    RoundRobin,
)
from tests.core.batch_orders.turns import at


def test_round_robin_takes_turns() -> None:
    order = RoundRobin(("a", "b", "c"))
    assert [order.next(at(step))[0] for step in range(5)] == ["a", "b", "c", "a", "b"]
    assert not any(order.restarts(at(step)) for step in range(100))

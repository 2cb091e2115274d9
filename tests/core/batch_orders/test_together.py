"""Every task gives a batch to every turn."""

from __future__ import annotations

from core.batch_orders import (
    Together,
)
from tests.core.batch_orders.turns import at


def test_together_takes_every_task() -> None:
    assert Together(("a", "b", "c")).next(at(7)) == ("a", "b", "c")

"""Annealed sampling: the paper's alpha, and the annealing within short runs."""

from __future__ import annotations

import pytest

from core.batch_orders import (
    Annealed,
    Proportional,
)
from core.batch_orders.annealed import annealed_alpha
from core.run.progress import Progress
from tests.core.batch_orders.turns import SIZES, counts


def test_annealed_alpha_is_that_of_the_paper() -> None:
    assert [annealed_alpha(e, 5) for e in range(5)] == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])
    assert annealed_alpha(0, 1) == 1.0  # one epoch: no division by zero


def test_with_one_epoch_annealing_is_proportional_sampling() -> None:
    annealed, proportional = Annealed(SIZES, seed=4), Proportional(SIZES, 1.0, seed=4)
    positions = [Progress(step, step * 16, 3_200, 1) for step in range(200)]
    assert [annealed.next(p) for p in positions] == [proportional.next(p) for p in positions]


def test_annealing_happens_within_a_short_run_too() -> None:
    """Catches epochs counted in passes over the data: 10,000 examples are not one pass over these."""
    order = Annealed({"big": 10_000, "small": 100}, seed=0)
    first = counts(order, range(1_000), planned=10_000)
    last = counts(order, range(9_000, 10_000), planned=10_000)
    assert first["small"] < 40  # 1 % expected
    assert 230 < last["small"] < 340  # 100^.2 / (100^.2 + 10000^.2) = 28.5 % expected

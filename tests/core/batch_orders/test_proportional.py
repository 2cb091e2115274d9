"""Proportional sampling: tasks are drawn by the power of their sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from core.batch_orders import (
    Proportional,
    make_order,
)
from core.batch_orders.proportional import power_probabilities
from core.config import RunConfig
from tests.core.batch_orders.turns import SIZES, at, counts

MakeConfig = Callable[..., RunConfig]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_proportional_draws_by_the_power_of_the_sizes(alpha: float) -> None:
    seen = counts(Proportional(SIZES, alpha, seed=3), range(6_000))
    weights = np.array([n**alpha for n in SIZES.values()])
    expected = 6_000 * weights / weights.sum()
    assert stats.chisquare([seen[task] for task in SIZES], expected).pvalue > 1e-3


def test_alpha_names() -> None:
    assert power_probabilities({"a": 9, "b": 1}, 1.0) == pytest.approx([0.9, 0.1])
    assert power_probabilities({"a": 9, "b": 1}, 0.5) == pytest.approx([0.75, 0.25])
    assert power_probabilities({"a": 9, "b": 1}, 0.0) == pytest.approx([0.5, 0.5])


def test_probabilities_are_of_batches_whatever_their_sizes(small_config: MakeConfig) -> None:
    """Catches p_i ~ (N_i / b_i)^alpha."""
    alike = make_order(small_config(), SIZES)
    differing = make_order(small_config(budget={"batch_size": 7}), SIZES)
    assert [alike.next(at(step)) for step in range(50)] == [differing.next(at(step)) for step in range(50)]

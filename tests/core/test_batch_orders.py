"""Batch orders: the probabilities they promise, and independence of history."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from core.batch_orders import Annealed, BatchOrder, Proportional, RoundRobin, make_order
from core.batch_orders.annealed import annealed_alpha
from core.batch_orders.proportional import power_probabilities
from core.config import SamplerConfig
from core.progress import Progress

SIZES = {"sst": 8_544, "para": 27_656, "sts": 6_040}


def at(step: int, epochs: int = 10, planned: int = 1_000_000) -> Progress:
    return Progress(step=step, examples=step, planned=planned, epochs=epochs)


def counts(order: BatchOrder, steps: range, **progress: int) -> Counter[str]:
    return Counter(task for step in steps for task in order.next(at(step, **progress)))


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


def test_annealed_alpha_is_that_of_the_paper() -> None:
    assert [annealed_alpha(e, 5) for e in range(5)] == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])
    assert annealed_alpha(0, 1) == 1.0  # one epoch: no division by zero


def test_annealing_happens_within_a_short_run_too() -> None:
    order = Annealed({"big": 10_000, "small": 100}, seed=0)
    first = counts(order, range(1_000), planned=10_000)
    last = counts(order, range(9_000, 10_000), planned=10_000)
    assert first["small"] < 40  # 1 % expected
    assert 230 < last["small"] < 340  # 100^.2 / (100^.2 + 10000^.2) = 28.5 % expected


def test_round_robin_takes_turns() -> None:
    order = RoundRobin(("a", "b", "c"))
    assert [order.next(at(step))[0] for step in range(5)] == ["a", "b", "c", "a", "b"]


@pytest.mark.parametrize("name", ["proportional", "annealed", "round-robin"])
def test_a_draw_depends_on_seed_and_position_alone(name: str) -> None:
    config = SamplerConfig(order=name)  # type: ignore[arg-type]
    whole = [make_order(config, SIZES, 1).next(at(step)) for step in range(200)]
    late = make_order(config, SIZES, 1)
    assert [late.next(at(step)) for step in range(100, 200)] == whole[100:]
    if name != "round-robin":
        other = make_order(config, SIZES, 2)
        assert [other.next(at(step)) for step in range(200)] != whole

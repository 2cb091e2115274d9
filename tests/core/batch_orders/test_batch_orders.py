"""All batch orders: chosen by name, independent of history, and known tasks at every position."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.batch_orders import (
    Annealed,
    Proportional,
    RoundRobin,
    RoundRobinTruncated,
    Shuffled,
    TaskSequence,
    Together,
    make_order,
)
from core.config import RunConfig
from core.run.progress import Progress
from tests.core.batch_orders.turns import SIZES, at

MakeConfig = Callable[..., RunConfig]
BATCHES = {"sst": 16, "para": 32, "sts": 8}
ORDERS = {
    "sequence": TaskSequence,
    "round-robin": RoundRobin,
    "round-robin-truncated": RoundRobinTruncated,
    "proportional": Proportional,
    "annealed": Annealed,
    "together": Together,
    "shuffled": Shuffled,
}


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_chosen_by_name(small_config: MakeConfig, name: str) -> None:
    assert type(make_order(small_config(sampler={"order": name}), SIZES)) is ORDERS[name]


def test_an_order_knows_each_tasks_batch_size(small_config: MakeConfig) -> None:
    values = small_config(sampler={"order": "round-robin-truncated"}).model_dump()
    for task, size in BATCHES.items():
        values["tasks"][task]["batch_size"] = size
    order = make_order(RunConfig.model_validate(values), {"sst": 160, "para": 160, "sts": 160})
    assert [step for step in range(40) if order.restarts(at(step))] == [15, 30]  # 160 / 32 rounds of 3


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_depends_on_seed_and_position_alone(small_config: MakeConfig, name: str) -> None:
    """A run that is resumed in the middle, or asked for its turns backwards, sees what it would have seen."""
    config = small_config(sampler={"order": name}, budget={"examples": 200, "epochs": 3})
    positions = [at(step, planned=200, epochs=3) for step in range(200)]
    order = make_order(config, {"sst": 40, "para": 90, "sts": 60})
    whole = [(order.next(p), order.restarts(p)) for p in positions]
    late = make_order(config, {"sst": 40, "para": 90, "sts": 60})
    assert [(late.next(p), late.restarts(p)) for p in positions[100:]] == whole[100:]
    assert [(late.next(p), late.restarts(p)) for p in positions[::-1]] == whole[::-1]
    if name in ("proportional", "annealed", "shuffled"):
        other = make_order(config.model_copy(update={"seed": 2}), {"sst": 40, "para": 90, "sts": 60})
        assert [(other.next(p), other.restarts(p)) for p in positions] != whole


@given(
    st.sampled_from(list(ORDERS)),
    st.lists(st.integers(1, 3_000), min_size=3, max_size=3),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.integers(1, 10**6),
    st.integers(1, 100),
)
def test_every_order_gives_known_tasks_at_every_position(
    small_config: MakeConfig, name: str, sizes: list[int], step: int, examples: int, planned: int, epochs: int
) -> None:
    order = make_order(small_config(sampler={"order": name}), dict(zip(SIZES, sizes, strict=True)))
    tasks = order.next(Progress(step, examples, planned, epochs))
    assert tasks
    assert set(tasks) <= set(SIZES)
    assert not order.restarts(Progress(0, 0, planned, epochs))

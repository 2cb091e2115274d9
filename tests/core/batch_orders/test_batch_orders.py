"""Batch orders: the probabilities and shares they promise, and independence of history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.batch_orders import (
    Annealed,
    BatchOrder,
    Proportional,
    RoundRobin,
    RoundRobinTruncated,
    Shuffled,
    TaskSequence,
    Together,
    make_order,
)
from core.batch_orders.annealed import annealed_alpha
from core.batch_orders.proportional import power_probabilities
from core.batch_orders.sequence import proportional_shares
from core.config import RunConfig
from core.run.progress import Progress

MakeConfig = Callable[..., RunConfig]

SIZES = {"sst": 8_544, "para": 27_656, "sts": 6_040}
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
tables = st.lists(st.tuples(st.integers(1, 2_000), st.integers(1, 64)), min_size=1, max_size=5)


def at(step: int, epochs: int = 10, planned: int = 1_000_000) -> Progress:
    return Progress(step=step, examples=step, planned=planned, epochs=epochs)


def counts(order: BatchOrder, steps: range, **progress: int) -> Counter[str]:
    return Counter(task for step in steps for task in order.next(at(step, **progress)))


def turns(
    order: BatchOrder, batch_sizes: dict[str, int], planned: int, epochs: int, begin: Progress | None = None
) -> list[tuple[Progress, str]]:
    """Position and task of every turn of a whole run of one task a turn, from ``begin`` on."""
    progress, seen = begin or Progress(0, 0, planned, epochs), []
    while progress.examples < planned:
        (task,) = order.next(progress)
        seen.append((progress, task))
        progress = progress.after(batch_sizes[task])
    return seen


def named(table: list[tuple[int, int]]) -> tuple[dict[str, int], dict[str, int]]:
    return {f"t{i}": n for i, (n, _) in enumerate(table)}, {f"t{i}": b for i, (_, b) in enumerate(table)}


# --- by chance


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


# --- in turn


def test_round_robin_takes_turns() -> None:
    order = RoundRobin(("a", "b", "c"))
    assert [order.next(at(step))[0] for step in range(5)] == ["a", "b", "c", "a", "b"]
    assert not any(order.restarts(at(step)) for step in range(100))


def test_truncated_round_robin_ends_with_the_set_of_fewest_batches() -> None:
    """8 batches of a, 4 whole ones of b, 5 of c: b ends first though c has fewer examples."""
    order = RoundRobinTruncated({"a": 80, "b": 70, "c": 10}, {"a": 10, "b": 16, "c": 2})
    assert [order.next(at(step))[0] for step in range(5)] == ["a", "b", "c", "a", "b"]
    assert [step for step in range(40) if order.restarts(at(step))] == [12, 24, 36]


def test_truncated_round_robin_with_a_set_smaller_than_a_batch_has_epochs_of_one_round() -> None:
    order = RoundRobinTruncated({"a": 80, "b": 3}, {"a": 10, "b": 16})
    assert [step for step in range(7) if order.restarts(at(step))] == [2, 4, 6]


def test_together_takes_every_task() -> None:
    assert Together(("a", "b", "c")).next(at(7)) == ("a", "b", "c")


# --- in sequence


def test_sequence_shows_one_task_after_the_other_in_every_virtual_epoch() -> None:
    """10 to 30 to 60 examples of an epoch of 100, two epochs, batches of 5."""
    sizes = {"a": 100, "b": 300, "c": 600}
    seen = turns(TaskSequence(sizes, dict.fromkeys(sizes, 5)), dict.fromkeys(sizes, 5), planned=200, epochs=2)
    assert "".join(task for _, task in seen) == 2 * ("aa" + 6 * "b" + 12 * "c")


def test_sequence_depends_on_the_examples_and_not_on_the_steps() -> None:
    order = TaskSequence({"a": 1, "b": 1}, {"a": 1, "b": 1})
    for step in (0, 3, 1_000):
        assert [order.next(Progress(step, seen, 20, 1)) for seen in (0, 9, 10, 19)] == [("a",), ("a",), ("b",), ("b",)]


def test_a_share_smaller_than_a_batch_is_not_jumped_over() -> None:
    """b's share is 1 example of 100; batches of 10 that begin at 0, 10, ... would never begin in it."""
    sizes, batches = {"a": 49, "b": 1, "c": 50}, {"a": 10, "b": 10, "c": 10}
    seen = [task for _, task in turns(TaskSequence(sizes, batches), batches, planned=1_000, epochs=10)]
    assert Counter(seen) == {"a": 50, "b": 10, "c": 40}  # shares of 44.5, 10 and 45.5
    assert "".join(seen[:10]) == "aaaaabcccc"


@given(tables, st.integers(1, 6), st.integers(0, 20_000))
def test_every_task_has_its_share_of_every_epoch(table: list[tuple[int, int]], epochs: int, more: int) -> None:
    """To less than a batch, since a batch may reach over the end of its share; and each at least one turn."""
    sizes, batches = named(table)
    planned = epochs * (sum(batches.values()) + 1) + more
    seen = turns(TaskSequence(sizes, batches), batches, planned, epochs)
    before = dict(zip(sizes, [*list(batches.values())[-1:], *list(batches.values())[:-1]], strict=True))
    promised = proportional_shares(planned, list(sizes.values()), [epochs * least for least in before.values()])
    for epoch in range(epochs):
        tasks = [task for progress, task in seen if progress.epoch == epoch]
        assert list(dict.fromkeys(tasks)) == list(sizes)  # all of them, in order
        assert tasks == sorted(tasks)
        for task, share in zip(sizes, promised, strict=True):
            reach = max(batches[task], before[task])
            assert abs(tasks.count(task) * batches[task] - share / epochs) < reach


@given(tables, st.integers(1, 50), st.integers(1, 50))
def test_a_run_too_short_for_its_epochs_still_has_tasks(
    table: list[tuple[int, int]], planned: int, epochs: int
) -> None:
    sizes, batches = named(table)
    order = TaskSequence(sizes, batches)
    assert all(order.next(Progress(0, seen, planned, epochs))[0] in sizes for seen in range(2 * planned))


@given(st.integers(1, 1_000), tables)
def test_shares_add_up(total: int, table: list[tuple[int, int]]) -> None:
    weights, least = [n for n, _ in table], [b for _, b in table]
    divided = proportional_shares(total, weights, least)
    assert sum(divided) == total
    if sum(least) < total:
        rate = min(share / w for share, w in zip(divided, weights, strict=True))  # of those that are not raised
        assert divided == [max(rate * w, low) for w, low in zip(weights, least, strict=True)]


# --- shuffled


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


# --- all of them


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

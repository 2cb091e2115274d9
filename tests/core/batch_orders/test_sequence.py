"""One task after the other, with its share of every virtual epoch."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.batch_orders import (
    BatchOrder,
    TaskSequence,
)
from core.batch_orders.sequence import proportional_shares
from core.run.progress import Progress
from tests.core.batch_orders.turns import named, tables


def turns(
    order: BatchOrder, batch_sizes: dict[str, int], planned: int, epochs: int, begin: Progress | None = None
) -> list[tuple[Progress, str]]:
    """Return position and task of every turn of a whole run of one task a turn, from ``begin`` on."""
    progress, seen = begin or Progress(0, 0, planned, epochs), []
    while progress.examples < planned:
        (task,) = order.next(progress)
        seen.append((progress, task))
        progress = progress.after(batch_sizes[task])
    return seen


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

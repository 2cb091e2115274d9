from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.example_stream import ExampleStream


def some_lengths(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(3, 0.6, count).astype(np.int64) + 3


def draw(stream: ExampleStream, batches: int, batch_size: int) -> np.ndarray:
    return np.stack([stream.next(batch_size) for _ in range(batches)])


def waste(lengths: np.ndarray, batches: np.ndarray) -> float:
    """Return the share of padding among all tokens of padded batches."""
    rows = lengths[batches]
    return 1 - rows.sum() / (rows.max(1) * rows.shape[1]).sum()


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_every_example_once_an_epoch(count: int, batch_size: int, epochs: int, seed: int) -> None:
    stream = ExampleStream(some_lengths(count), seed, "sst")
    batches = -(-count * epochs // batch_size)
    drawn = draw(stream, batches, batch_size).ravel()
    for epoch in range(epochs):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == list(range(count))


@given(st.integers(1, 200), st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_every_example_once_an_epoch_whatever_the_batch_sizes(count: int, sizes: list[int]) -> None:
    stream = ExampleStream(some_lengths(count), 1, "sst")
    batches = [stream.next(size) for size in sizes]
    assert [len(batch) for batch in batches] == sizes
    drawn = np.concatenate(batches)
    for start in range(0, len(drawn) - count + 1, count):
        assert sorted(drawn[start : start + count]) == list(range(count))


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize(("count", "batch_size"), [(40, 16), (64, 16), (100, 8), (100, 16), (300, 16), (1000, 32)])
def test_no_composition_comes_again(count: int, batch_size: int, ties: bool) -> None:
    """This includes small splits with distinct lengths, where sorting the whole epoch would repeat its batches."""
    stream = ExampleStream(np.full(count, 9) if ties else np.arange(count) + 3, 0, "sst")
    drawn = draw(stream, 8 * count // batch_size, batch_size)
    compositions = [frozenset(batch) for batch in drawn.tolist()]
    assert len(set(compositions)) == len(compositions)


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_resumes_from_its_state(count: int, batch_size: int, before: int, seed: int) -> None:
    lengths = some_lengths(count)
    stream = ExampleStream(lengths, seed, "para")
    for _ in range(before):
        stream.next(batch_size)
    state = json.loads(json.dumps(stream.state_dict()))
    resumed = ExampleStream(lengths, seed, "para")
    resumed.load_state_dict(state)
    np.testing.assert_array_equal(draw(resumed, 20, batch_size), draw(stream, 20, batch_size))
    assert resumed.state_dict() == stream.state_dict()


def test_resumes_in_an_epoch_that_began_with_another_batch_size() -> None:
    lengths = some_lengths(100)
    stream = ExampleStream(lengths, 0, "para")
    stream.next(8)
    stream.next(5)
    resumed = ExampleStream(lengths, 0, "para")
    resumed.load_state_dict(stream.state_dict())
    np.testing.assert_array_equal(draw(resumed, 40, 5), draw(stream, 40, 5))


def test_starting_again_leaves_the_rest_of_an_epoch() -> None:
    """The next epoch is the one that would have come anyway, and complete."""
    stream, other = (ExampleStream(some_lengths(100), 0, "sts") for _ in range(2))
    draw(stream, 3, 8)
    stream.restart()
    other.next(100)
    np.testing.assert_array_equal(draw(stream, 20, 5), draw(other, 20, 5))
    state = stream.state_dict()
    stream.restart()  # nothing has been used of this epoch
    assert stream.state_dict() == state
    assert state == {"epoch": 2, "position": 0, "batch_size": 0, "first": 0}


def test_batches_begin_where_an_epoch_begins_that_was_started_again() -> None:
    """Rows of two lengths, 8 of each: all batches are of one length.

    Catches cuts that are reckoned from the epochs before as if these had been used up: after one epoch of 19 examples
    left early the next would be cut 4 * 8 - 19 = 5 examples off.
    """
    lengths = np.repeat([5, 9], [160, 163])
    stream = ExampleStream(lengths, 0, "sst")
    orderly = []
    for _ in range(12):
        batches = draw(stream, 10, 8)
        orderly.append(np.mean([len(set(lengths[batch])) == 1 for batch in batches.tolist()]))
        stream.restart()
    assert min(orderly) > 0.6  # by chance 2 * 2^-8; a window of 80 rows has one mixed batch of 10 at most
    assert np.mean(orderly) > 0.85


def test_batches_of_changing_sizes_are_cut_where_they_are_drawn() -> None:
    """The second epoch begins in the middle of a batch of another size than the first one's."""
    lengths = np.arange(1_000) + 3
    stream = ExampleStream(lengths, 0, "sst")
    draw(stream, 65, 15)  # 975
    stream.next(32)  # 1,007: it takes 7 of the next epoch, where sizes of 32 alone would take 24
    fresh = draw(ExampleStream(lengths, 1, "sst"), 30, 32)
    assert waste(lengths, draw(stream, 30, 32)) == pytest.approx(waste(lengths, fresh), abs=0.02)


@given(
    st.integers(1, 60),
    st.lists(st.one_of(st.just(0), st.integers(1, 40)), max_size=25),
    st.lists(st.one_of(st.just(0), st.integers(1, 40)), min_size=1, max_size=25),
)
def test_resumes_from_its_state_whatever_came_before(count: int, before: list[int], after: list[int]) -> None:
    """0 stands for starting again, else a batch of that size."""

    def go(stream: ExampleStream, acts: list[int]) -> list[list[int]]:
        return [stream.next(size).tolist() if size else stream.restart() or [] for size in acts]

    lengths = some_lengths(count)
    stream, resumed = (ExampleStream(lengths, 5, "para") for _ in range(2))
    go(stream, before)
    resumed.load_state_dict(json.loads(json.dumps(stream.state_dict())))
    assert go(resumed, after) == go(stream, after)
    assert resumed.state_dict() == stream.state_dict()


@pytest.mark.parametrize(("count", "rounds", "batch_size"), [(40, 2, 16), (100, 5, 16), (300, 18, 16), (1000, 3, 32)])
def test_no_composition_comes_again_where_epochs_are_left_early(count: int, rounds: int, batch_size: int) -> None:
    """Catches starting again with the same shuffle."""
    stream = ExampleStream(np.arange(count) + 3, 0, "sst")
    compositions: list[frozenset[int]] = []
    for _ in range(20):
        compositions += [frozenset(batch) for batch in draw(stream, rounds, batch_size).tolist()]
        stream.restart()
    assert len(set(compositions)) == len(compositions)


def test_loading_a_state_forgets_what_was_under_way() -> None:
    stream, other = (ExampleStream(some_lengths(100), 0, "sts") for _ in range(2))
    draw(other, 23, 8)
    first = draw(stream, 5, 8)
    stream.load_state_dict({"epoch": 0, "position": 0, "batch_size": 0, "first": 0})
    np.testing.assert_array_equal(draw(stream, 5, 8), first)
    stream.load_state_dict(other.state_dict())
    np.testing.assert_array_equal(stream.next(8), other.next(8))


def test_seed_and_task_decide_the_order() -> None:
    lengths = some_lengths(500)
    orders = {
        (seed, task): tuple(draw(ExampleStream(lengths, seed, task), 10, 16).ravel().tolist())
        for seed in (0, 1)
        for task in ("sst", "sts")
    }
    assert len(set(orders.values())) == 4
    again = draw(ExampleStream(lengths, 1, "sts"), 10, 16)
    assert tuple(again.ravel().tolist()) == orders[1, "sts"]


@pytest.mark.parametrize("count", [6040, 8544])
def test_rows_of_similar_length_are_batched_together(count: int) -> None:
    """In the epochs after the first too, whose batches begin in the middle of another."""
    lengths = some_lengths(count)
    batches = draw(ExampleStream(lengths, 0, "sst"), 4 * count // 16, 16)
    shuffled = np.random.default_rng(0).permutation(np.repeat(np.arange(count), 4))[: batches.size].reshape(-1, 16)
    first, last = waste(lengths, batches[: count // 16]), waste(lengths, batches[-(count // 16) :])
    assert first < waste(lengths, shuffled) / 3
    assert last == pytest.approx(first, abs=0.02)


def test_short_and_long_batches_come_in_any_order() -> None:
    lengths = some_lengths(8000)
    means = lengths[draw(ExampleStream(lengths, 0, "sst"), 500, 16)].mean(1)
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.15
    assert abs(np.corrcoef(means, np.arange(500))[0, 1]) < 0.15


def test_refusals() -> None:
    with pytest.raises(ValueError, match="task 'sst' has no examples to draw from"):
        ExampleStream(np.zeros(0, dtype=np.int64), 0, "sst")
    stream = ExampleStream(some_lengths(10), 0, "sst")
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        stream.next(0)
    good = {"epoch": 2, "position": 3, "batch_size": 4, "first": 1}
    stream.load_state_dict(good)
    for wrong in (
        {"position": 10},
        {"position": 0},
        {"epoch": -1},
        {"batch_size": 0},
        {"first": 4},
        {"first": -1},
    ):
        with pytest.raises(ValueError, match="state does not fit a stream over 10 examples"):
            stream.load_state_dict(good | wrong)

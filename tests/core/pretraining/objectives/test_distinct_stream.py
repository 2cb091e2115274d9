"""No sentence twice in a batch, and the same batches after an interruption."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pretraining.objectives.distinct_stream import DistinctStream


@settings(max_examples=60)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=60),
    batch_size=st.integers(1, 5),
    seed=st.integers(0, 3),
)
def test_sentences_of_a_batch_differ_on_both_sides(pairs: list[tuple[int, int]], batch_size: int, seed: int) -> None:
    """Catches duplicates that are looked for on the anchors' side only, and examples that come twice an epoch."""
    table = np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
    stream = DistinctStream(table, seed, "mnrl")
    try:
        first = stream.next(batch_size)
    except ValueError:
        return
    epoch = [first]
    while stream.state_dict()["epoch"] == 0:
        epoch.append(stream.next(batch_size))
    for batch in epoch:
        assert len(batch) == batch_size
        assert len(np.unique(table[batch])) == 2 * batch_size
    positions = np.concatenate(epoch)
    assert len(np.unique(positions)) == len(positions)


def test_what_waits_comes_first_in_a_later_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches examples that are dropped because their sentence is in an earlier batch."""

    class InOrder:
        def permutation(self, count: int) -> np.ndarray:
            return np.arange(count)

    monkeypatch.setattr(np.random, "default_rng", lambda _: InOrder())
    table = np.array([[0, 1], [0, 2], [3, 0], [4, 5], [6, 7], [8, 9], [2, 8]])
    stream = DistinctStream(table, 0, "mnrl")
    # 1 and 2 share sentence 0 with 0; 6 shares sentence 2 with 1, and has nobody left.
    assert [stream.next(2).tolist() for _ in range(4)] == [[0, 3], [1, 4], [2, 5], [0, 3]]


def test_the_last_batch_is_dropped_or_full() -> None:
    stream = DistinctStream(np.arange(14).reshape(7, 2), 0, "mnrl")
    assert [len(stream.next(3)) for _ in range(6)] == [3] * 6
    assert stream.state_dict() == {"epoch": 3, "position": 0}


def test_a_sentence_with_itself_is_one_sentence() -> None:
    """SimCSE's rows: the same sentence twice."""
    stream = DistinctStream(np.repeat(np.arange(8)[:, None], 2, axis=1), 0, "simcse")
    assert sorted(np.concatenate([stream.next(4), stream.next(4)]).tolist()) == list(range(8))


def test_every_epoch_stage_and_seed_is_shuffled_differently() -> None:
    table = np.arange(200).reshape(100, 2)
    orders = []
    for seed, stage in ((0, "mnrl"), (1, "mnrl"), (0, "simcse")):
        stream = DistinctStream(table, seed, stage)
        orders += [tuple(np.concatenate([stream.next(10) for _ in range(10)]).tolist()) for _ in range(2)]
    assert len(set(orders)) == 6


def test_it_continues_where_it_was_saved() -> None:
    table = np.random.default_rng(0).integers(0, 60, (80, 2))
    stream, undisturbed = DistinctStream(table, 5, "mnrl"), DistinctStream(table, 5, "mnrl")
    for _ in range(30):
        again = DistinctStream(table, 5, "mnrl")
        again.load_state_dict(stream.state_dict())
        batch = again.next(7)
        assert np.array_equal(batch, undisturbed.next(7))
        stream = again


def test_too_few_sentences() -> None:
    with pytest.raises(ValueError, match="3 examples do not fill a batch of 2 in which all sentences differ"):
        DistinctStream(np.array([[0, 1], [0, 2], [3, 0]]), 0, "mnrl").next(2)

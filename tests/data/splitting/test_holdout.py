"""Splits that are taken out of one file: stratified, complete, reproducible, with groups kept together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.splitting.holdout import assign_splits

SHARES = {"dev": 0.1, "test": 0.2}


def distinct(count: int) -> list[tuple[str, ...]]:
    return [(f"text{number} of{number} its{number} own{number}",) for number in range(count)]


def test_every_class_has_its_share() -> None:
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    parts = assign_splits(distinct(1000), labels, SHARES, seed=0)
    assert {name: np.bincount(labels[part]).tolist() for name, part in parts.items()} == {
        "train": [490, 175, 35],
        "dev": [70, 25, 5],
        "test": [140, 50, 10],
    }


def test_every_range_of_scores_has_its_share() -> None:
    labels = np.linspace(0, 5, 1000, dtype=np.float32)
    parts = assign_splits(distinct(1000), labels, SHARES, seed=0)
    counts, _ = np.histogram(labels[parts["dev"]], bins=10, range=(0, 5))
    assert counts.tolist() == [10] * 10


def test_a_rare_class_is_in_every_split() -> None:
    labels = np.array([0] * 97 + [1] * 3)
    parts = assign_splits(distinct(100), labels, SHARES, seed=0)
    assert [1 in labels[part] for part in parts.values()] == [True, True, True]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(0, 5), st.data())
def test_each_example_is_in_one_split_and_groups_are_whole(labels: list[int], seed: int, data: st.DataObject) -> None:
    count = len(labels)
    groups = data.draw(st.lists(st.sampled_from(["", "x", "y", "z"]), min_size=count, max_size=count))
    some = st.sampled_from(["same text", *(f"text{number} own{number}" for number in range(60))])
    texts = data.draw(st.lists(some, min_size=count, max_size=count))
    sentences = [(text,) for text in texts]
    parts = assign_splits(sentences, np.array(labels), SHARES, seed, groups)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(count))
    split_of = {int(place): name for name, part in parts.items() for place in part}
    for values in (groups, texts):
        for value in set(values) - {""}:
            assert len({split_of[place] for place, other in enumerate(values) if other == value}) == 1
    again = assign_splits(sentences, np.array(labels), SHARES, seed, groups)
    assert all(np.array_equal(parts[name], again[name]) for name in parts)


def test_groups_keep_the_shares() -> None:
    """A hundred customers with ten tickets each, of all classes."""
    labels = np.tile([0, 0, 0, 1, 2], 200)
    groups = [f"customer {number // 10}" for number in range(1000)]
    parts = assign_splits(distinct(1000), labels, SHARES, 0, groups)
    assert [len(part) for part in parts.values()] == [700, 100, 200]
    assert len({groups[place] for place in parts["dev"]}) == 10


@pytest.mark.parametrize("shares", [{"dev": 0.1}, {"test": 0.3}])
def test_another_seed_draws_other_examples(shares: dict[str, float]) -> None:
    labels = np.zeros(200, dtype=np.int64)
    (one, other) = (assign_splits(distinct(200), labels, shares, seed) for seed in (0, 1))
    for name in shares:
        assert len(one[name]) == len(other[name]) == round(200 * shares[name])
        assert not np.array_equal(one[name], other[name])


def test_a_pair_and_its_copy_with_the_sentences_swapped_stay_together() -> None:
    sentences = [*((f"a{n} b{n} c{n}", f"d{n} e{n} f{n}") for n in range(50))]
    sentences += [(second, first) for first, second in sentences]
    parts = assign_splits(sentences, np.zeros(100, dtype=np.int64), SHARES, seed=0)
    for part in parts.values():
        assert {place % 50 for place in part if place < 50} == {place % 50 for place in part if place >= 50}

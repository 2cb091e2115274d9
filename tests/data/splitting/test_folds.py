"""Folds: each example is in one, classes are spread evenly, and groups and near-duplicates are whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from data.splitting.folds import assign_folds


def distinct(count: int) -> list[tuple[str, ...]]:
    return [(f"text{number} of{number} its{number} own{number}",) for number in range(count)]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=10, max_size=60), st.integers(2, 7), st.integers(0, 5))
def test_class_shares_and_sizes_are_within_one_row(labels: list[int], count: int, seed: int) -> None:
    folds = assign_folds(distinct(len(labels)), np.array(labels), count, seed)
    assert set(folds.tolist()) <= set(range(count))
    for part in (np.full(len(labels), True), *(np.array(labels) == label for label in set(labels))):
        sizes = np.bincount(folds[part], minlength=count)
        assert sizes.max() - sizes.min() <= 1


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(2, 5), st.data())
def test_groups_and_near_duplicates_are_whole(labels: list[int], count: int, data: st.DataObject) -> None:
    size = len(labels)
    groups = data.draw(st.lists(st.sampled_from(["", "x", "y", "z"]), min_size=size, max_size=size))
    some = st.sampled_from(["same text", "Same, text!", *(f"text{number} own{number}" for number in range(60))])
    texts = data.draw(st.lists(some, min_size=size, max_size=size))
    folds = assign_folds([(text,) for text in texts], np.array(labels), count, 0, groups)
    assert (folds >= 0).all()
    alike = ["same text" if text == "Same, text!" else text for text in texts]
    for values in (groups, alike):
        for value in set(values) - {""}:
            assert len(set(folds[np.array(values) == value].tolist())) == 1
    assert np.array_equal(folds, assign_folds([(text,) for text in texts], np.array(labels), count, 0, groups))


def test_ranges_of_scores_are_spread_evenly() -> None:
    scores = np.linspace(0, 5, 200, dtype=np.float32)
    folds = assign_folds(distinct(200), scores, 4, seed=0)
    for fold in range(4):
        counts, _ = np.histogram(scores[folds == fold], bins=10, range=(0, 5))
        assert counts.tolist() == [5] * 10


def test_another_seed_gives_other_folds() -> None:
    one, other = (assign_folds(distinct(50), np.zeros(50, dtype=np.int64), 5, seed) for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert np.bincount(one).tolist() == np.bincount(other).tolist() == [10] * 5


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_spread_as_evenly_as_by_scikit_learn(seed: int) -> None:
    """Groups of very different sizes, each mostly of one class."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, 60)
    groups = np.repeat(np.arange(60), sizes)
    labels = np.where(rng.random(len(groups)) < 0.8, groups % 3, rng.integers(0, 3, len(groups)))
    ours = assign_folds(distinct(len(groups)), labels, 5, seed, [f"group {group}" for group in groups])
    theirs = np.empty(len(groups), dtype=np.int64)
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    for fold, (_, rows) in enumerate(splitter.split(labels, labels, groups)):
        theirs[rows] = fold

    def worst(folds: np.ndarray) -> int:
        counts = np.stack([np.bincount(labels[folds == fold], minlength=3) for fold in range(5)])
        return int(np.ptp(counts, axis=0).max())

    assert worst(ours) <= worst(theirs) + 3

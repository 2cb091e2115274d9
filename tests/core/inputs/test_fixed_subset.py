"""Random subsets that are the same in every run."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.inputs.fixed_subset import stratified_part

SHARES = st.floats(0.01, 1.0)


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=200), share=SHARES)
def test_every_class_has_its_share(labels: list[int], share: float) -> None:
    gold = np.array(labels)
    part = stratified_part(gold, share, "sst")
    assert len(part) == max(1, round(share * len(gold)))
    assert (np.diff(part) > 0).all()
    for label in set(labels):
        exact = len(part) / len(gold) * int((gold == label).sum())
        assert math.floor(exact + 1e-9) <= int((gold[part] == label).sum()) <= math.ceil(exact - 1e-9)


@given(scores=st.lists(st.floats(0, 5, width=32), min_size=20, max_size=200), share=st.floats(0.2, 0.9))
def test_every_quarter_of_the_scores_has_its_share(scores: list[float], share: float) -> None:
    gold = np.array(scores, dtype=np.float32)
    ranks = np.argsort(np.argsort(gold, kind="stable"), kind="stable")
    part = stratified_part(gold + 1e-9 * ranks, share, "sts")  # no ties, so that quarters are defined
    for quarter in range(4):
        inside = (ranks * 4 // len(gold)) == quarter
        exact = len(part) / len(gold) * int(inside.sum())
        assert abs(int(inside[part].sum()) - exact) <= 1.0


def test_the_part_depends_on_the_labels_and_the_task_alone() -> None:
    gold = np.arange(100) % 3
    first = stratified_part(gold, 0.2, "sst")
    assert np.array_equal(first, stratified_part(gold.copy(), 0.2, "sst"))
    assert not np.array_equal(first, stratified_part(gold, 0.2, "para"))
    assert np.array_equal(stratified_part(gold, 1.0, "sst"), np.arange(100))

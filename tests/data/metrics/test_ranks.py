"""Ranks within resamples against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from data.metrics.ranks import centred_ranks


def test_by_hand() -> None:
    """The values 5, 7, 7, 9 have the ranks 1, 2.5, 2.5, 4, and their mean is 2.5."""
    values = np.array([7.0, 5.0, 9.0, 7.0])
    assert centred_ranks(values, np.ones((1, 4))).tolist() == [[0.0, -1.5, 1.5, 0.0]]
    drawn = np.array([[0.0, 3.0, 1.0, 0.0]])  # 5, 5, 5, 9: the ranks 2, 2, 2, 4
    assert centred_ranks(values, drawn)[0, [1, 2]].tolist() == [-0.5, 1.5]


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_drawn_examples_have_the_ranks_of_the_expanded_resample(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 8, size) / 2
    counts = rng.multinomial(size, np.full(size, 1 / size), size=3).astype(np.float64)
    for drawn, found in zip(counts, centred_ranks(values, counts), strict=True):
        rows = np.repeat(np.arange(size), drawn.astype(np.int64))
        ranks = rankdata(values[rows])
        assert found[rows] == pytest.approx(ranks - ranks.mean())

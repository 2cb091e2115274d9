from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.ragged import run_indices, run_offsets


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 5)), max_size=8))
def test_runs(runs: list[tuple[int, int]]) -> None:
    starts = np.array([start for start, _ in runs], dtype=np.int64)
    lengths = np.array([length for _, length in runs], dtype=np.int64)
    expected = [index for start, length in runs for index in range(start, start + length)]
    assert run_indices(starts, lengths).tolist() == expected
    assert run_offsets(lengths).tolist() == [int(lengths[:k].sum()) for k in range(len(runs) + 1)]

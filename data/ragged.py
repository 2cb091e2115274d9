"""Index runs of different lengths in one flat array."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["run_indices", "run_offsets"]


def run_offsets(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where consecutive runs of these lengths (n,) start, and where the last one ends, (n + 1,)."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def run_indices(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the indices of all elements of the runs, run by run.

    Args:
        starts: the start of each run, (n,).
        lengths: the length of each run, (n,), at least 0.

    Returns:
        (sum of lengths,): ``starts[0], starts[0] + 1, ..., starts[1], ...``
    """
    offsets = run_offsets(lengths)
    return np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])

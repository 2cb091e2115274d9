"""Runs of different lengths in one flat array."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["run_indices", "run_offsets"]


def run_offsets(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where runs of these lengths (n,) start when they lie one after the other, and where the last ends, (n + 1,)."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def run_indices(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Indices of all elements of the runs, run by run.

    Args:
        starts: where each run starts, (n,).
        lengths: how long it is, (n,), at least 0.

    Returns:
        (sum of lengths,): ``starts[0], starts[0] + 1, ..., starts[1], ...``
    """
    offsets = run_offsets(lengths)
    return np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])

"""Ranks within many resamples at once."""

from __future__ import annotations

import numpy as np

__all__ = ["RANKS_COST", "centred_ranks"]

RANKS_COST = 100  # ranks have to be found in every resample: of a metric's cost


def centred_ranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Rank values, (N,), within each resample, (B, N) counts, equal values sharing their mean rank.

    Returns:
        Ranks minus the mean of all ranks in the resample, (B, N).
    """
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    starts = np.cumsum(sizes) - sizes
    by_value = np.add.reduceat(counts[:, np.argsort(group, kind="stable")], starts, axis=1)  # (B, groups), rising
    ranks = np.cumsum(by_value, axis=1) - (by_value - 1.0) / 2.0
    return np.asarray((ranks - (counts.sum(axis=1, keepdims=True) + 1.0) / 2.0)[:, group])

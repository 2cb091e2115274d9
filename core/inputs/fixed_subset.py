"""Choose a random subset of a split that is the same in every run."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

__all__ = ["fixed_subset"]


def fixed_subset(size: int, limit: int | None, task: str) -> npt.NDArray[np.int64]:
    """Return the positions of a random subset that is the same in every run, ascending, (min(size, limit),) int64."""
    if limit is None or limit >= size:
        return np.arange(size)
    rng = np.random.default_rng(zlib.crc32(task.encode()))
    return np.sort(rng.choice(size, size=limit, replace=False))

"""Choose random subsets of a split that are the same in every run."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from data.gold import Labels

__all__ = ["fixed_subset", "stratified_part"]


def fixed_subset(size: int, limit: int | None, task: str) -> npt.NDArray[np.int64]:
    """Return the positions of a random subset that is the same in every run, ascending, (min(size, limit),) int64."""
    if limit is None or limit >= size:
        return np.arange(size)
    rng = np.random.default_rng(zlib.crc32(task.encode()))
    return np.sort(rng.choice(size, size=limit, replace=False))


def stratified_part(labels: Labels, share: float, name: str) -> npt.NDArray[np.int64]:
    """Return the positions of a part of labelled examples that is the same in every run, ascending, int64.

    Of every class, and of the scores in any interval, the part has the given share, up to one example: the examples are
    put in the order of their labels, equal ones at random, and taken at even steps (systematic sampling).

    Args:
        labels: class indices or scores, (N,).
        share: of the examples, in (0, 1]; the part has at least one.
        name: what the examples are, which seeds the order.
    """
    size = max(1, round(share * len(labels)))
    if size >= len(labels):
        return np.arange(len(labels))
    shuffled = np.random.default_rng(zlib.crc32(f"part of {name}".encode())).permutation(len(labels))
    ordered = shuffled[np.argsort(labels[shuffled], kind="stable")]
    steps = ((np.arange(size) + 0.5) * len(labels) / size).astype(np.int64)
    return np.sort(ordered[steps])

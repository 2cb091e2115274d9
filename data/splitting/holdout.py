"""Take dev and test out of a file of examples: stratified by label, with groups and near-duplicates kept together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from data.gold import Labels
from data.splitting.near_duplicates import duplicate_groups

__all__ = ["Indices", "assign_splits", "blocks", "strata"]

_SCORE_RANGES: Final = 10  # of about as many examples each; every split gets its share of each

Indices = npt.NDArray[np.int64]


def assign_splits(
    sentences: Sequence[tuple[str, ...]],
    labels: Labels,
    shares: Mapping[str, float],
    seed: int,
    groups: Sequence[str] | None = None,
) -> dict[str, Indices]:
    """Assign every example to one split.

    Near-duplicates (:mod:`data.splitting.near_duplicates`), for pairs of both sentences together, and examples of one
    group are in one split. Every class, or range of scores, has its share in each split as far as that allows,
    and every class has an example in each split, if it has as many that are free to go there.

    Args:
        sentences: one or two per example.
        labels: class indices or scores, (n,).
        shares: of the examples by split, together below 1; the rest is 'train'.
        seed: of the draw.
        groups: the group of each example; an empty string means no group.

    Returns:
        The positions of each split's examples, ascending.
    """
    of_label = strata(labels)
    together = blocks(sentences, groups)
    splits = ["train", *shares]
    wanted = np.outer([1 - sum(shares.values()), *shares.values()], np.bincount(of_label))  # (splits, strata)
    rng = np.random.default_rng(seed)
    assigned = np.full(len(labels), -1)
    have = np.zeros_like(wanted)
    sizes = np.array([len(block) for block in together])
    large = rng.permutation(np.flatnonzero(sizes > 1))
    for place in large[np.argsort(-sizes[large], kind="stable")]:
        block = together[place]
        counts = np.bincount(of_label[block], minlength=wanted.shape[1])
        missing = ((wanted - have) / np.maximum(wanted.sum(0), 1)) @ counts
        split = int(np.argmax(missing))
        assigned[block] = split
        have[split] += counts
    single = np.concatenate([together[place] for place in np.flatnonzero(sizes == 1)] or [np.zeros(0, dtype=np.int64)])
    for stratum in range(wanted.shape[1]):
        left = rng.permutation(single[of_label[single] == stratum])
        for split in range(1, len(splits)):
            count = _count(wanted[split, stratum] - have[split, stratum], have[split, stratum], len(left), labels)
            assigned[left[:count]], left = split, left[count:]
        assigned[left] = 0
    return {name: np.flatnonzero(assigned == split) for split, name in enumerate(splits)}


def _count(missing: float, have: float, left: int, labels: Labels) -> int:
    """Return how many single examples of a stratum a split takes; one stays for train."""
    least = 1 if have == 0 and labels.dtype == np.int64 else 0
    return max(0, min(max(round(missing), least), left - 1))


def strata(labels: Labels) -> Indices:
    """Return the class of every example, or the range of its score, as indices from 0."""
    of_class: Indices = labels.astype(np.int64)
    if labels.dtype != np.int64:
        scores = labels.astype(np.float64)
        edges = np.unique(np.quantile(scores, np.linspace(0, 1, _SCORE_RANGES + 1)[1:-1]))
        of_class = np.digitize(scores, edges).astype(np.int64)
    _, found = np.unique(of_class, return_inverse=True)
    return found


def blocks(sentences: Sequence[tuple[str, ...]], groups: Sequence[str] | None) -> list[Indices]:
    """Return the positions of examples that stay together, block by block: near-duplicates, and those of a group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(sentences)
    same = [duplicate_groups([" ".join(example) for example in sentences])]
    if groups is not None:
        first: dict[str, int] = {}
        same.append(np.array([first.setdefault(name, at) if name else at for at, name in enumerate(groups)]))
    ends, starts = np.tile(np.arange(count), len(same)), np.concatenate(same)
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (starts, ends)), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    order = np.argsort(component, kind="stable")
    return np.split(order, np.cumsum(np.bincount(component))[:-1])

"""Divide examples into folds for cross-validation: stratified by label, with groups and near-duplicates together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.gold import Labels
from data.splitting.holdout import Indices, blocks, strata

__all__ = ["assign_folds"]


def assign_folds(
    sentences: Sequence[tuple[str, ...]],
    labels: Labels,
    count: int,
    seed: int,
    groups: Sequence[str] | None = None,
) -> Indices:
    """Assign every example to one of several folds.

    What stays together is that of :func:`data.splitting.holdout.assign_splits`. Without anything that stays together,
    the numbers of a class's examples, or of those in a range of scores, differ by at most one between folds, and so do
    the sizes of the folds. Larger blocks are assigned first, each to the fold that lacks most of its labels; single
    examples then even out what blocks left uneven. This is the approach of scikit-learn's ``StratifiedGroupKFold``,
    which refuses classes with fewer examples than folds and has no ranges of scores.

    Args:
        sentences: one or two per example.
        labels: class indices or scores, (n,).
        count: number of folds, at least 2.
        seed: of the draw.
        groups: the group of each example; an empty string means no group.

    Returns:
        The fold of each example, 0 to ``count - 1``, (n,). If there are fewer blocks than folds, some folds are empty.
    """
    of_label, together = strata(labels), blocks(sentences, groups)
    sizes = np.bincount(of_label)
    have = np.zeros((count, len(sizes)))
    folds = np.full(len(labels), -1, dtype=np.int64)
    shuffled = [together[place] for place in np.random.default_rng(seed).permutation(len(together))]
    singles = np.array([block[0] for block in shuffled if len(block) == 1], dtype=np.int64)
    for block in sorted((block for block in shuffled if len(block) > 1), key=len, reverse=True):
        counts = np.bincount(of_label[block], minlength=len(sizes))
        fullest = (have / sizes) @ counts  # of its labels
        fold = np.lexsort((have.sum(axis=1), fullest))[0]
        folds[block] = fold
        have[fold] += counts
    for stratum in range(len(sizes)):
        for place in singles[of_label[singles] == stratum]:
            fold = np.lexsort((have.sum(axis=1), have[:, stratum]))[0]
            folds[place] = fold
            have[fold, stratum] += 1
    return folds

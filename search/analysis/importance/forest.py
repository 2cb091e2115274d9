"""Predict trials' scores from their settings by a regression forest, using only trees that have not seen the trial."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor

__all__ = ["ScoreForest"]

_TREES = 150
_GROWN_ON = 2 / 3  # of the trials, drawn without replacement
_COLUMNS = 0.75  # of the settings' columns, that a split chooses among: near-twins of the best one get their turn


class ScoreForest:
    """Regression trees on random two thirds of the trials each (subagging; Buehlmann & Yu 2002).

    Args:
        matrix: the trials' settings, (n, columns) float32.
        scores: their scores, (n,).
        rng: draws each tree's trials and columns.

    Attributes:
        out: which trials each tree has not seen, (trees, n) bool.
        predicted: of each trial by the trees that have not seen it, (n,).
    """

    def __init__(self, matrix: np.ndarray, scores: np.ndarray, rng: np.random.Generator) -> None:
        count = len(scores)
        self.out = np.ones((_TREES, count), dtype=bool)
        self._trees: list[Any] = []
        self._used: list[set[int]] = []
        for out in self.out:
            seen = rng.permutation(count)[: round(_GROWN_ON * count)]
            out[seen] = False
            tree = DecisionTreeRegressor(
                max_features=_COLUMNS,
                min_samples_leaf=max(2, count // 100),
                random_state=int(rng.integers(2**31)),
            ).fit(matrix[seen], scores[seen])
            self._trees.append(tree.tree_)  # its predict is the estimator's without the checks of every call
            self._used.append(set(tree.tree_.feature[tree.tree_.feature >= 0].tolist()))
        self._own = np.stack([tree.predict(matrix)[:, 0] for tree in self._trees])  # (trees, n)
        self.predicted = self.unseen_mean(self._own)

    def unseen_mean(self, by_tree: np.ndarray) -> np.ndarray:
        """Average over the trees that have not seen a trial, (trees, n) -> (n,)."""
        return np.asarray((by_tree * self.out).sum(axis=0) / self.out.sum(axis=0))

    def unseen_changed(self, worlds: np.ndarray, rows: np.ndarray, changed: Collection[int]) -> np.ndarray:
        """Predict like :attr:`predicted`, but for trials with other values in some columns, (worlds, m).

        Args:
            worlds: trials with changed values, (worlds, m, columns) float32.
            rows: which trials these are, (m,).
            changed: the columns that may differ; a tree that uses none of them has nothing to predict anew.
        """
        sums = np.zeros(worlds.shape[:2])
        for tree, used, own, out in zip(self._trees, self._used, self._own, self.out, strict=True):
            unseen = out[rows]
            sums[:, unseen] += own[rows[unseen]] if used.isdisjoint(changed) else _predict(tree, worlds[:, unseen])
        return np.asarray(sums / self.out[:, rows].sum(axis=0))

    def mean_changed(self, worlds: np.ndarray, rows: np.ndarray, changed: Collection[int]) -> np.ndarray:
        """Return each tree's mean prediction, (trees, worlds); arguments as in :meth:`unseen_changed`."""
        trees = zip(self._trees, self._used, self._own, strict=True)
        return np.stack(
            [
                np.full(len(worlds), own[rows].mean())
                if used.isdisjoint(changed)
                else _predict(tree, worlds).mean(axis=1)
                for tree, used, own in trees
            ]
        )


def _predict(tree: Any, worlds: np.ndarray) -> np.ndarray:
    """(worlds, m, columns) -> (worlds, m)."""
    flat = np.ascontiguousarray(worlds.reshape(-1, worlds.shape[2]))
    return np.asarray(tree.predict(flat)[:, 0].reshape(worlds.shape[:2]))

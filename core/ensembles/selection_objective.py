"""Score ensembles that have one member more, which greedy selection asks for thousands of times.

The scores are those of predictions averaged as in :mod:`core.ensembles.averaging`, but for the most frequent metrics
nothing is averaged: whether an example is right depends only on the signs of summed margins, and a Pearson correlation
only on the members' covariances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Protocol, Self

import numpy as np
from scipy.special import log_softmax

from core.ensembles.averaging import to_summands
from core.statistics import counted_metrics, overall_score
from core.statistics.bootstrap import drawn_counts
from data.tasks import TaskSpec

__all__ = ["OverallObjective", "Predictions", "SelectionObjective"]

Predictions = Mapping[str, np.ndarray]  # per task, class probabilities (N, K) or scores (N,)

_TIE = 1e-12  # of a sum of log-probabilities: less is rounding
_CONSTANT = 1e-20  # of a mean square: what rounding leaves of the variance of a constant


class SelectionObjective(Protocol):
    """A score to maximise over ensembles of given members."""

    def __len__(self) -> int:
        """Return the number of members, M."""

    def with_one_more(self, counts: np.ndarray) -> np.ndarray:
        """Score the M ensembles in which each member in turn counts once more, (M,).

        Args:
            counts: how much each member counts so far, (M,), at least 0; whole numbers or shares.
        """

    def resampled(self, rng: np.random.Generator) -> Self:
        """Return the same objective on as many examples, drawn with replacement."""


class OverallObjective:
    """The overall score on some examples; with a single task, this task's own metric normalised.

    Args:
        members: predictions of each, for the same tasks and examples.
        gold: per task, class indices or scores, (N,).
        specs: of the tasks.
        weights: of the tasks in the overall score.

    Raises:
        ValueError: if there is no member.
    """

    def __init__(
        self,
        members: Sequence[Predictions],
        gold: Mapping[str, np.ndarray],
        specs: Mapping[str, TaskSpec],
        weights: Mapping[str, float],
    ) -> None:
        if not members:
            raise ValueError("there are no members to select from")
        self._tasks = {
            task: _objective(spec, np.stack([to_summands(one[task]) for one in members]), gold[task])
            for task, spec in specs.items()
        }
        self._sizes = {task: len(gold[task]) for task in specs}
        self._specs, self._weights = specs, weights

    def __len__(self) -> int:
        """Return the number of members."""
        return len(next(iter(self._tasks.values())))

    def with_one_more(self, counts: np.ndarray) -> np.ndarray:
        """Score the ensembles with one member more; see :class:`SelectionObjective`."""
        scores = {task: one.with_one_more(counts) for task, one in self._tasks.items()}
        return overall_score(scores, self._specs, self._weights)

    def resampled(self, rng: np.random.Generator) -> Self:
        """Draw the examples of each task independently; see :class:`SelectionObjective`."""
        drawn = copy(self)
        drawn._tasks = {
            task: one.counted(drawn_counts(1, self._sizes[task], rng)[0]) for task, one in self._tasks.items()
        }
        return drawn


class _TaskObjective(Protocol):
    """A task's own metric as an objective."""

    def __len__(self) -> int: ...

    def with_one_more(self, counts: np.ndarray) -> np.ndarray: ...

    def counted(self, drawn: np.ndarray) -> Self:
        """Return the same objective where each example counts as often as it was drawn, (N,)."""


def _objective(spec: TaskSpec, summands: np.ndarray, gold: np.ndarray) -> _TaskObjective:
    """Choose the fastest objective for a task, given summands, (M, N, K) or (M, N)."""
    once = np.ones(len(gold))
    match spec.metric.name:
        case "accuracy":
            return _Accuracy(_margins(summands, gold), once)
        case "pearson":
            return _Pearson(summands, gold.astype(np.float64), once)
        case _:
            return _Counted(spec, summands, gold, once)


class _Accuracy:
    """Accuracy from margins, (K - 1, M, N): an example is right where all its summed margins are above 0."""

    def __init__(self, margins: np.ndarray, drawn: np.ndarray) -> None:
        self._margins = margins
        self._drawn = drawn.astype(np.float32)  # sums of counts are exact in float32

    def __len__(self) -> int:
        return int(self._margins.shape[1])

    def with_one_more(self, counts: np.ndarray) -> np.ndarray:
        there = np.flatnonzero(counts)
        wanted = -np.einsum("m,kmn->kn", counts[there], self._margins[:, there])  # (K - 1, N)
        right = self._margins[0] > wanted[0]  # (M, N)
        above = np.empty_like(right)
        for margins, least in zip(self._margins[1:], wanted[1:], strict=True):
            right &= np.greater(margins, least, out=above)
        return np.asarray((right.astype(np.float32) @ self._drawn).astype(np.float64) / self._drawn.sum())

    def counted(self, drawn: np.ndarray) -> _Accuracy:
        return _Accuracy(self._margins, drawn)


def _margins(logs: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Compute how far the gold class is above each other one, (K - 1, M, N), from log-probabilities, (M, N, K).

    Of equally probable classes the first is predicted, so a margin over a later class counts as slightly larger, and
    one over an earlier class as slightly smaller.
    """
    members, examples, classes = logs.shape
    rows = np.arange(examples)
    margins = np.empty((classes - 1, members, examples))
    for place in range(classes - 1):
        other = place + (place >= gold)  # (N,): every class but the gold one
        margins[place] = logs[:, rows, gold] - logs[:, rows, other] + np.where(other > gold, _TIE, -_TIE)
    return margins


class _Pearson:
    """Pearson's r from the covariances of the members, (M, M), and those with gold, (M,)."""

    def __init__(self, scores: np.ndarray, gold: np.ndarray, drawn: np.ndarray) -> None:
        self._scores, self._gold = scores, gold
        centred, y = _centred(scores, drawn), _centred(gold[None], drawn)[0]
        self._covariances = centred * drawn @ centred.T
        self._with_gold = centred @ (drawn * y)
        self._of_gold = float(drawn @ y**2)

    def __len__(self) -> int:
        return len(self._scores)

    def with_one_more(self, counts: np.ndarray) -> np.ndarray:
        """Score the ensembles; a constant has no correlation, which counts as 0."""
        own, shared = np.diag(self._covariances), self._covariances @ counts
        variances = counts @ shared + 2.0 * shared + own
        products = self._of_gold * variances
        known = products > 0
        found = np.zeros(len(own))
        found[known] = (counts @ self._with_gold + self._with_gold)[known] / np.sqrt(products[known])
        return np.asarray(np.clip(found, -1.0, 1.0))

    def counted(self, drawn: np.ndarray) -> _Pearson:
        return _Pearson(self._scores, self._gold, drawn)


def _centred(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Subtract from (M, N) the mean of what was drawn; 0 where that is constant."""
    centred = values - (values @ drawn / drawn.sum())[:, None]
    size = (values**2).mean(axis=1)
    centred[centred**2 @ drawn <= _CONSTANT * drawn.sum() * size] = 0.0
    return np.asarray(centred)


class _Counted:
    """Any metric, from averaged predictions."""

    def __init__(self, spec: TaskSpec, summands: np.ndarray, gold: np.ndarray, drawn: np.ndarray) -> None:
        self._spec, self._summands, self._gold, self._drawn = spec, summands, gold, drawn

    def __len__(self) -> int:
        return len(self._summands)

    def with_one_more(self, counts: np.ndarray) -> np.ndarray:
        means = (np.tensordot(counts, self._summands, axes=1) + self._summands) / (counts.sum() + 1.0)
        # Mean log-probabilities are in the order of an example's averaged probabilities, enough for most metrics.
        if self._spec.metric.reads_probabilities:
            means = log_softmax(means, axis=-1)
        # Rounded, so that equal values stay equal: ranks and predicted classes can depend on a last digit.
        averaged = np.round(means, 11)
        if self._spec.metric.reads_probabilities:
            averaged = np.exp(averaged)
        return np.asarray(counted_metrics(self._spec, list(averaged), self._gold, self._drawn[None])[0])

    def counted(self, drawn: np.ndarray) -> _Counted:
        return _Counted(self._spec, self._summands, self._gold, drawn)

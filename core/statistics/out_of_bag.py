"""Split a task's examples many times: into those in a bootstrap resample and those that it left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.statistics.bootstrap import drawn_counts
from core.statistics.task import counted_metrics
from data.tasks import TaskSpec

__all__ = ["LEAST_EXAMPLES", "BagScores", "Bags"]

LEAST_EXAMPLES = 10  # with fewer, a resample sometimes leaves out a single one
_ENTRIES = 1 << 21  # of a table of counts in memory at a time: 16 MiB


@dataclass(frozen=True)
class BagScores:
    """The own metric of several runs of a task, float64.

    Attributes:
        whole: on all examples, (runs,).
        inside: on the examples in each resample, those drawn twice counting twice, (resamples, runs).
        outside: on the examples that are not in it, each once, (resamples, runs).
    """

    whole: np.ndarray
    inside: np.ndarray
    outside: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[BagScores]) -> BagScores:
        """Join the runs of all parts, scored on the same bags."""
        return cls(
            np.concatenate([part.whole for part in parts]),
            np.concatenate([part.inside for part in parts], axis=1),
            np.concatenate([part.outside for part in parts], axis=1),
        )


class Bags:
    """Resamples of a task's examples, N drawn of N with replacement: on average 36.8 % of them are left out.

    Args:
        size: number of examples, N.
        resamples: their number, at least 1.
        rng: draws them. A resample that leaves nothing out is drawn again.
        folds: of the examples; see :func:`core.statistics.task.counted_metrics`.

    Raises:
        ValueError: if there are fewer than :data:`LEAST_EXAMPLES` examples.
    """

    def __init__(self, size: int, resamples: int, rng: np.random.Generator, folds: np.ndarray | None = None) -> None:
        if size < LEAST_EXAMPLES:
            raise ValueError(f"there must be at least {LEAST_EXAMPLES} examples, got {size}")
        self._folds = folds
        # Bytes are enough: no example is drawn more than 255 times.
        self._counts = np.empty((resamples, size), dtype=np.uint8)
        step = self._step
        for start in range(0, resamples, step):
            drawn = drawn_counts(min(step, resamples - start), size, rng)
            while (full := drawn.all(axis=1)).any():
                drawn[full] = drawn_counts(int(full.sum()), size, rng)
            self._counts[start : start + step] = drawn

    def rows(self, resample: int) -> np.ndarray:
        """Return the examples of a resample in ascending order, those drawn twice twice: (N,) int64."""
        return np.repeat(np.arange(self._counts.shape[1]), self._counts[resample])

    def scores(self, spec: TaskSpec, predictions: Sequence[np.ndarray], gold: np.ndarray) -> BagScores:
        """Score the runs' predictions inside and outside each bag.

        They are given as :func:`core.statistics.task.counted_metrics` takes them.
        """
        inside, outside = [], []
        for start in range(0, len(self._counts), self._step):
            counts = self._counts[start : start + self._step].astype(np.float64)
            inside.append(counted_metrics(spec, predictions, gold, counts, self._folds))
            left_out = (counts == 0).astype(np.float64)
            outside.append(counted_metrics(spec, predictions, gold, left_out, self._folds))
        whole = counted_metrics(spec, predictions, gold, np.ones((1, len(gold))), self._folds)
        return BagScores(whole[0], np.concatenate(inside), np.concatenate(outside))

    @property
    def _step(self) -> int:
        return max(1, _ENTRIES // self._counts.shape[1])

"""Bootstrap a task's score (Efron 1979): estimate what it would have been on other examples of the same kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.statistics.task import counted_metric
from data.tasks import TaskSpec

__all__ = ["bootstrap_scores", "drawn_counts"]

_ENTRIES = 1 << 21  # of a table of counts in memory at a time: 16 MiB


def bootstrap_scores(
    spec: TaskSpec,
    predictions: Sequence[np.ndarray],
    gold: np.ndarray,
    replicates: int,
    rng: np.random.Generator,
    folds: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the own metric of several runs on resampled examples, (replicates, runs) float64.

    A replicate draws N of the N examples with replacement, the same ones for every run: columns are paired, and the
    difference of two runs does not vary with examples that are hard for both. The examples of different tasks are drawn
    independently; :func:`core.statistics.overall_score` combines their replicates into those of the overall score.

    Args:
        spec: the task.
        predictions: class probabilities (N, K) or scores (N,) of each run, on the same examples.
        gold: class indices or scores, (N,).
        replicates: number of resamples, at least 1.
        rng: draws the examples.
        folds: see :func:`core.statistics.task.counted_metrics`.

    Raises:
        ValueError: if a run has predictions of another number of examples.
    """
    size = len(gold)
    for run, one in enumerate(predictions):
        if len(one) != size:
            raise ValueError(f"{spec.name}: {size} gold labels, but run {run} has {len(one)} predictions")
    found = np.empty((replicates, len(predictions)))
    step = max(1, _ENTRIES // size)
    for start in range(0, replicates, step):
        counts = drawn_counts(min(step, replicates - start), size, rng)
        for run, one in enumerate(predictions):
            found[start : start + step, run] = counted_metric(spec, one, gold, counts, folds)
    return found


def drawn_counts(resamples: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``size`` of ``size`` examples with replacement, and count each: (resamples, size) float64."""
    drawn = rng.integers(size, size=(resamples, size)) + size * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * size)
    return counts.reshape(resamples, size).astype(np.float64)

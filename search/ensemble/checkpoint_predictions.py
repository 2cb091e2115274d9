"""Dev predictions of checkpoints, each read from disk once, and averages of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.ensembles import average
from data.gold import Labels
from data.tasks import TaskSpec
from search.analysis.checkpoints import Checkpoint
from search.ensemble.named_trials import Shares

__all__ = ["CheckpointPredictions", "TaskPredictions", "average_shares"]

TaskPredictions = Mapping[str, np.ndarray]
"""By task: class probabilities (N, K) or scores (N,)."""


class CheckpointPredictions:
    """Read dev predictions of checkpoints and keep them: nearly the same trials are selected from in every resample.

    Args:
        specs: the tasks.
        gold: per task, the labels of the dev examples; says how many predictions there must be.
    """

    def __init__(self, specs: Mapping[str, TaskSpec], gold: Mapping[str, Labels]) -> None:
        self._specs = specs
        self._gold = gold
        self._seen: dict[tuple[int, int], TaskPredictions] = {}

    def by_trial(self, checkpoints: Sequence[Checkpoint]) -> dict[int, TaskPredictions]:
        """Return the predictions of one checkpoint per trial, by the number of the trial, in rising order.

        Raises:
            UserError: if predictions are missing or cannot be read.
        """
        return {one.trial: self._read(one) for one in sorted(checkpoints, key=lambda one: one.trial)}

    def _read(self, one: Checkpoint) -> TaskPredictions:
        key = one.trial, one.evaluation.rung
        if key not in self._seen:
            self._seen[key] = {task: one.predictions(spec, len(self._gold[task])) for task, spec in self._specs.items()}
        return self._seen[key]


def average_shares(predictions: Mapping[int, TaskPredictions], shares: Shares) -> dict[str, np.ndarray]:
    """Average the predictions of trials, weighted by their shares in each task."""
    return {
        task: average([predictions[trial][task] for trial in of_task], list(of_task.values())).astype(np.float32)
        for task, of_task in shares.items()
    }

"""Compare what a trial's kept model predicts for dev with what was recorded when the trial was trained.

A difference means that the model, its tokenizer, its configuration or the dev file has changed since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.config import RunConfig
from core.inputs.fixed_subset import fixed_subset
from core.run.run_folder import RunFolder
from core.statistics import own_metric
from data.errors import UserError
from search.trials.artifacts import load_predictions

__all__ = ["RecordedScores"]

_SAME = 1e-6  # scores may differ in a last digit between versions of a library
_ROUNDING = {"float32": 0.01}  # of class probabilities, or of scores as a share of their range, on any machine
_ROUNDING_IN_HALF = 0.1  # with fewer bits


@dataclass(frozen=True)
class RecordedScores:
    """The scores of a trial's best rung, as they were recorded.

    Attributes:
        number: of the trial.
        folder: of the trial.
        config: its RunConfig, with the data folder and the device that the model predicts with now.
        rung: its best rung, in training examples.
        scores: of each task at that rung.
    """

    number: int
    folder: RunFolder
    config: RunConfig
    rung: int
    scores: Mapping[str, float]

    def check(self, task: str, predictions: np.ndarray, gold: np.ndarray, folds: np.ndarray | None = None) -> None:
        """Raise an error unless a task's dev predictions give the recorded score, apart from rounding.

        Another device, number of threads or version of a library rounds otherwise, which may change the class of an
        example at the border. Predictions that are nearly the recorded ones are therefore accepted as well.

        Args:
            task: name of the task.
            predictions: for all dev examples, class probabilities (N, K) or scores (N,).
            gold: their labels, (N,).
            folds: the fold of each, (N,); None: they are in none.

        Raises:
            UserError: naming both scores.
        """
        section = self.config.tasks[task]
        scored = fixed_subset(len(gold), section.dev_limit, task)
        predictions, gold = predictions[scored], gold[scored]
        now, recorded = own_metric(section.spec, predictions, gold, folds), self.scores[task]
        if abs(now - recorded) <= _SAME or self._differs_by_rounding(task, predictions, gold, folds):
            return
        raise UserError(
            f"trial {self.number} was recorded with {task} {section.spec.metric} {recorded:.4f} on dev, but its model "
            f"in '{self.folder.path}' scores {now:.4f} now: its files or the dev file have changed; restore them, or "
            "choose another trial"
        )

    def _differs_by_rounding(
        self, task: str, predictions: np.ndarray, gold: np.ndarray, folds: np.ndarray | None
    ) -> bool:
        """Return whether the predictions are nearly those that were stored with the recorded score."""
        spec = self.config.tasks[task].spec
        try:
            stored = load_predictions(self.folder, self.number, task, self.rung)
        except UserError:
            return False
        if stored.shape != predictions.shape:
            return False
        if abs(own_metric(spec, stored, gold, folds) - self.scores[task]) > _SAME:
            return False
        bounds = spec.score_range
        width = 1.0 if bounds is None else bounds[1] - bounds[0]
        allowed = _ROUNDING.get(self.config.compute.precision, _ROUNDING_IN_HALF) * width
        return bool(np.abs(stored - predictions).max() <= allowed)

"""Estimate what a greedily selected ensemble will score on new data, by repeating the selection in resamples."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np

from core.config import RunConfig, TaskConfig
from core.ensembles import Predictions, average
from core.statistics import Bags, BagScores, Expectations, Replayed, expect, expect_difference, overall_score
from data.errors import UserError
from data.gold import Labels
from data.splitting.holdout import Indices
from data.tasks import TaskSpec
from search.analysis.checkpoints import Checkpoint, bags_of, folds_of, gold_of, score_bags, stored_checkpoints
from search.ensemble.selection import GreedyOptions, Shares, select_shares
from search.trials.folders import TrialFolders

__all__ = ["SelectionReplay"]

_MOST, _FEWEST = 100, 20
_WORK = 5e9  # examples scored by an ensemble, about six seconds of one core
_PER_SCORE = 1000  # examples; what a score costs however few there are


def _average_shares(predictions: Mapping[int, Predictions], shares: Shares) -> dict[str, np.ndarray]:
    """Average the predictions of trials, weighted by their shares in each task."""
    return {
        task: average([predictions[trial][task] for trial in of_task], list(of_task.values())).astype(np.float32)
        for task, of_task in shares.items()
    }


@dataclass(frozen=True)
class SelectionReplay:
    """A greedy selection that can be repeated in resamples.

    Attributes:
        checkpoints: all rungs of the trials that it may have selected from.
        pool: from how many of them it did: from the best by their overall scores.
        options: how it selected.
        gold: per task, the labels that trials are scored by on dev.
        folds: per task, the folds of these examples, if they are in folds.
    """

    checkpoints: Sequence[Checkpoint]
    pool: int
    options: GreedyOptions
    tasks: Mapping[str, TaskConfig]
    gold: Mapping[str, Labels]
    folds: Mapping[str, Indices | None] = field(default_factory=dict)

    @classmethod
    def stored(
        cls,
        trials: Iterable[int],
        pool: Collection[int],
        options: GreedyOptions,
        config: RunConfig,
        folders: TrialFolders,
    ) -> Self:
        """Make the replay for trials by their numbers.

        Args:
            trials: all that may have been in the pool.
            pool: those that were. A better trial outside it has lost its model, so it is left out of every resample;
                among the others the scores decide again.

        Raises:
            UserError: if dev predictions or files are gone.
        """
        gold = gold_of(config)
        checkpoints, gone = stored_checkpoints(sorted({*trials, *pool}), folders, config.tasks)
        if gone:
            raise UserError(f"trial {gone[0]}'s dev predictions are gone")
        return cls(_selectable(checkpoints, pool), len(pool), options, config.tasks, gold, folds_of(config))

    @cached_property
    def resamples(self) -> int:
        """Number of resamples: as many as take some seconds, between 20 and 100."""
        examples = sum(map(len, self.gold.values())) + _PER_SCORE
        ensembles = self.pool * self.options.steps * max(1, self.options.bags)
        return int(min(_MOST, max(_FEWEST, _WORK // (ensembles * examples))))

    def expect(self, shares: Shares) -> Expectations:
        """Estimate the scores of the ensemble with these shares, which was selected on dev.

        In every resample the best rung of every trial is chosen, then the pool, and the ensemble out of the pool.

        Raises:
            UserError: if dev predictions cannot be read or are not those of the recorded scores.
        """
        replayed = self._ensembles(shares)
        return expect(replayed.bags, replayed.selected, replayed.winner, self._specs, self._weights)

    def expect_gain(self, shares: Shares) -> Expectations:
        """Estimate the ensemble's gain over the best trial alone, which is selected again in the same resamples.

        Raises:
            UserError: as :meth:`expect`.
        """
        return expect_difference(self._ensembles(shares), self._best_trials, self._specs, self._weights)

    @property
    def trials(self) -> int:
        """Number of trials that it may have selected from."""
        return len({one.trial for one in self.checkpoints})

    @property
    def best(self) -> Checkpoint:
        """The best trial at its best rung; ties go to the first."""
        return max(self.checkpoints, key=lambda one: one.evaluation.overall)

    @property
    def recorded_pool(self) -> list[Checkpoint]:
        """The best trials at their best rungs by the recorded scores, the best one first."""
        return self._best(np.array([one.evaluation.overall for one in self.checkpoints]))

    @property
    def selected_on_all(self) -> Shares:
        """Shares that are selected from :attr:`recorded_pool` on all dev examples.

        Raises:
            UserError: if dev predictions cannot be read.
        """
        return select_shares(self._predictions(self.recorded_pool), self.tasks, self._labels, self.options)

    @property
    def _specs(self) -> dict[str, TaskSpec]:
        return {name: task.spec for name, task in self.tasks.items()}

    @property
    def _weights(self) -> dict[str, float]:
        return {name: task.score_weight for name, task in self.tasks.items()}

    @cached_property
    def _labels(self) -> dict[str, np.ndarray]:
        return {task: np.asarray(gold) for task, gold in self.gold.items()}

    @cached_property
    def _bags(self) -> dict[str, Bags]:
        return {task: bags_of(task, gold, self.resamples, self.folds.get(task)) for task, gold in self.gold.items()}

    @cached_property
    def _best_trials(self) -> Replayed:
        """The best trial in each resample, as a single one."""
        scores = {
            task: score_bags(self.checkpoints, spec, self.gold[task], self._bags[task])
            for task, spec in self._specs.items()
        }
        inside = self._overall({task: one.inside for task, one in scores.items()})
        return Replayed(scores, inside.argmax(axis=1), self.checkpoints.index(self.best))

    @cached_property
    def _selected(self) -> list[dict[str, np.ndarray]]:
        """Predictions for all examples of the ensemble that each resample selects."""
        inside = self._overall({task: scores.inside for task, scores in self._best_trials.bags.items()})
        return [self._select(self._best(overall), resample) for resample, overall in enumerate(inside)]

    def _ensembles(self, shares: Shares) -> Replayed:
        everything = [*self._selected, _average_shares(self._predictions(self.recorded_pool), shares)]
        bags: dict[str, BagScores] = {
            task: self._bags[task].scores(spec, [one[task] for one in everything], self.gold[task])
            for task, spec in self._specs.items()
        }
        return Replayed(bags, np.arange(self.resamples), self.resamples)

    def _overall(self, scores: Mapping[str, np.ndarray]) -> np.ndarray:
        return overall_score(scores, self._specs, self._weights)

    @cached_property
    def _seen(self) -> dict[tuple[int, int], Predictions]:
        """Predictions that were read: nearly the same trials are selected from in every resample."""
        return {}

    def _predictions(self, checkpoints: Sequence[Checkpoint]) -> dict[int, Predictions]:
        """Return the predictions of one checkpoint per trial, by the number of the trial, in rising order."""
        found = {}
        for one in sorted(checkpoints, key=lambda one: one.trial):
            key = one.trial, one.evaluation.rung
            if key not in self._seen:
                self._seen[key] = {
                    task: one.predictions(spec, len(self.gold[task])) for task, spec in self._specs.items()
                }
            found[one.trial] = self._seen[key]
        return found

    def _select(self, pool: Sequence[Checkpoint], resample: int) -> dict[str, np.ndarray]:
        predictions = self._predictions(pool)
        rows = {task: bags.rows(resample) for task, bags in self._bags.items()}
        drawn = {trial: {task: of[task][rows[task]] for task in rows} for trial, of in predictions.items()}
        gold = {task: labels[rows[task]] for task, labels in self._labels.items()}
        return _average_shares(predictions, select_shares(drawn, self.tasks, gold, self.options))

    def _best(self, overall: np.ndarray) -> list[Checkpoint]:
        """Return the best trials at their best rungs, the best one first; ties go to the first."""
        best: dict[int, Checkpoint] = {}
        for index in np.argsort(-overall, kind="stable"):
            one = self.checkpoints[index]
            best.setdefault(one.trial, one)
            if len(best) == self.pool:
                break
        return list(best.values())


def _selectable(checkpoints: Sequence[Checkpoint], pool: Collection[int]) -> list[Checkpoint]:
    """Drop checkpoints of trials that are better than the last one in the pool, but not in it."""
    best: dict[int, float] = {}
    for one in checkpoints:
        best[one.trial] = max(best.get(one.trial, -np.inf), one.evaluation.overall)
    last = min((best[trial], -trial) for trial in pool)  # ties go to the first trial
    return [one for one in checkpoints if one.trial in pool or (best[one.trial], -one.trial) < last]

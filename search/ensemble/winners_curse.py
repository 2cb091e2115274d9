"""What a selected ensemble will score on new data: its greedy selection, made anew in resamples of the dev examples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.config import RunConfig
from core.ensembles import average
from core.metrics import Bags, BagScores, Expectations, expect, overall_score
from data.errors import UserError
from data.gold import Labels
from data.tasks import TaskSpec
from search.checkpoints import Checkpoint, score_bags, stored_checkpoints
from search.ensemble.named_trials import Shares
from search.ensemble.selection import GreedyOptions, select_shares
from search.trial_folders import TrialFolders
from search.winners_curse import bags_of, gold_of

__all__ = ["Replay"]

_MOST, _FEWEST = 100, 20
_WORK = 1e8  # examples scored by an ensemble, about thirteen seconds of one core
_PER_SCORE = 1000  # examples; what a score costs however few there are


@dataclass(frozen=True)
class Replay:
    """A selection that can be made anew.

    Attributes:
        trials: numbers of those that it may have selected from.
        pool: from how many of them it did: from the best by their overall scores, where only these still had a model.
        options: how it selected.
        config: of any of the trials.
        folders: where they left their predictions.
    """

    trials: Sequence[int]
    pool: int
    options: GreedyOptions
    config: RunConfig
    folders: TrialFolders

    @cached_property
    def resamples(self) -> int:
        """As many as take some seconds, at least 20 and at most 100."""
        examples = sum(map(len, self._gold.values())) + _PER_SCORE
        bags = max(1, self.options.bags // 2)  # of half the pool each
        return int(min(_MOST, max(_FEWEST, _WORK // (self.pool * self.options.steps * bags * examples))))

    def expect(self, shares: Shares) -> Expectations:
        """What to expect of the ensemble of these shares, that was selected on dev.

        In every resample the best rung of every trial is chosen, then the pool, and the ensemble out of the pool.

        Raises:
            UserError: if dev predictions or files are gone or are not those of the recorded scores.
        """
        checkpoints, gone = stored_checkpoints(sorted(self.trials), self.folders, self._specs)
        if gone:
            raise UserError(f"trial {gone[0]}'s dev predictions are gone")
        bags = {task: bags_of(task, self._gold[task], self.resamples) for task in self._specs}
        scores = {task: score_bags(checkpoints, self._specs[task], self._gold[task], bags[task]) for task in bags}
        inside = overall_score({task: one.inside for task, one in scores.items()}, self._specs, self._weights)
        ensembles = [self._select(_best(checkpoints, row)[: self.pool], bags, b) for b, row in enumerate(inside)]
        recorded = _best(checkpoints, [one.evaluation.overall for one in checkpoints])
        ensembles.append(self._averaged(self._predictions(recorded), shares))
        return expect(
            {task: self._scored([one[task] for one in ensembles], task, bags[task]) for task in bags},
            np.arange(self.resamples),
            self.resamples,
            self._specs,
            self._weights,
        )

    @property
    def _specs(self) -> dict[str, TaskSpec]:
        return {name: task.spec for name, task in self.config.tasks.items()}

    @property
    def _weights(self) -> dict[str, float]:
        return {name: task.score_weight for name, task in self.config.tasks.items()}

    @cached_property
    def _gold(self) -> dict[str, Labels]:
        return gold_of(self.config)

    def _predictions(self, members: Sequence[Checkpoint]) -> dict[int, dict[str, np.ndarray]]:
        return {
            one.trial: {task: one.predictions(spec, len(self._gold[task])) for task, spec in self._specs.items()}
            for one in sorted(members, key=lambda one: one.trial)
        }

    def _select(self, pool: Sequence[Checkpoint], bags: dict[str, Bags], resample: int) -> dict[str, np.ndarray]:
        """What the ensemble that the resample's examples select predicts for all examples."""
        predictions = self._predictions(pool)
        rows = {task: bag.rows(resample) for task, bag in bags.items()}
        drawn = {trial: {task: of[task][rows[task]] for task in rows} for trial, of in predictions.items()}
        gold = {task: self._gold[task][rows[task]] for task in rows}
        with warnings.catch_warnings():  # of constants, which a resample may have where dev has none
            warnings.simplefilter("ignore")
            return self._averaged(predictions, select_shares(drawn, self.config, gold, self.options))

    def _averaged(self, predictions: dict[int, dict[str, np.ndarray]], shares: Shares) -> dict[str, np.ndarray]:
        return {
            task: average([predictions[trial][task] for trial in of_task], list(of_task.values())).astype(np.float32)
            for task, of_task in shares.items()
        }

    def _scored(self, ensembles: list[np.ndarray], task: str, bags: Bags) -> BagScores:
        return bags.scores(self._specs[task], ensembles, self._gold[task])


def _best(checkpoints: Sequence[Checkpoint], overall: Sequence[float] | np.ndarray) -> list[Checkpoint]:
    """Every trial at its best rung, the first of equals; the best trial first."""
    order = sorted(range(len(checkpoints)), key=lambda index: -overall[index])
    best: dict[int, Checkpoint] = {}
    for index in order:
        best.setdefault(checkpoints[index].trial, checkpoints[index])
    return list(best.values())

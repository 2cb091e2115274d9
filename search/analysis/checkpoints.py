"""The scored rungs of trials with their stored dev predictions, scored in resamples of the dev examples."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.config import RunConfig
from core.inputs.dev_gold import dev_folds, dev_gold
from core.run.evaluation import Evaluation
from core.run.run_folder import RunFolder
from core.statistics import LEAST_EXAMPLES, Bags, BagScores
from data.errors import UserError
from data.gold import Labels
from data.splitting.holdout import Indices
from data.tasks import TaskSpec
from search.trials.artifacts import check_score, check_size, load_predictions
from search.trials.folders import TrialFolders

__all__ = [
    "Checkpoint",
    "ScoredCheckpoints",
    "bags_of",
    "folds_of",
    "gold_of",
    "resamples_for",
    "score_bags",
    "stored_checkpoints",
]

_AT_ONCE = 32  # checkpoints whose predictions are in memory
RESAMPLES, FEWEST_RESAMPLES = 1000, 100
_WORK = 4e9  # values summed, about eight seconds of one core
_SEED = 0


@dataclass(frozen=True)
class Checkpoint:
    """A trial at one of its rungs.

    Attributes:
        evaluation: its scores as they were recorded.
    """

    trial: int
    run: RunFolder
    evaluation: Evaluation

    def predictions(self, spec: TaskSpec, size: int) -> np.ndarray:
        """Read the predictions for a task's scored dev examples: class probabilities (N, K) or scores (N,).

        Raises:
            UserError: if they are gone or cannot be read, or are not of ``size`` examples.
        """
        stored = load_predictions(self.run, self.trial, spec.name, self.evaluation.rung)
        check_size(stored, size, spec, self.trial)
        return stored


def stored_checkpoints(
    trials: Iterable[int], folders: TrialFolders, tasks: Collection[str]
) -> tuple[list[Checkpoint], tuple[int, ...]]:
    """Return the rungs of the trials, by trial and rung, and the numbers of trials with missing predictions.

    Of the latter none of the rungs is among the former. Rungs that scored only a part of dev are left out: no weights
    are selected by them.
    """
    found: list[Checkpoint] = []
    gone: list[int] = []
    for trial in trials:
        run = folders.run(trial)
        evaluations = _evaluations(run)
        of_trial = [Checkpoint(trial, run, evaluation) for evaluation in evaluations if evaluation.dev_share == 1.0]
        rungs = [one.evaluation.rung for one in of_trial]
        if evaluations and all(run.predictions(task, rung).is_file() for task in tasks for rung in rungs):
            found += of_trial
        else:
            gone.append(trial)
    return found, tuple(gone)


def _evaluations(run: RunFolder) -> list[Evaluation]:
    try:
        return run.read_metrics()
    except (OSError, ValueError, TypeError):  # cut short or edited: no reason to lose what is known of other trials
        return []


def score_bags(checkpoints: Sequence[Checkpoint], spec: TaskSpec, gold: Labels, bags: Bags) -> BagScores:
    """Score a task in every bag, with few predictions in memory at a time.

    Raises:
        UserError: if predictions cannot be read, or with these labels do not give the scores that were recorded.
    """
    parts = []
    for start in range(0, len(checkpoints), _AT_ONCE):
        some = checkpoints[start : start + _AT_ONCE]
        part = bags.scores(spec, [one.predictions(spec, len(gold)) for one in some], gold)
        for one, score in zip(some, part.whole, strict=True):
            check_score(float(score), one.evaluation.scores[spec.name], spec, one.trial)
        parts.append(part)
    return BagScores.joined(parts)


@dataclass(frozen=True)
class ScoredCheckpoints:
    """Checkpoints scored in every resample.

    Attributes:
        bags: per task, their scores.
        weights: of the tasks in the overall score.
        resamples: how many.
    """

    checkpoints: Sequence[Checkpoint]
    bags: dict[str, BagScores]
    weights: dict[str, float]
    resamples: int

    @classmethod
    def of(cls, checkpoints: Sequence[Checkpoint], config: RunConfig, specs: Mapping[str, TaskSpec]) -> Self:
        """Score them on the dev files of ``config``; raises as :func:`gold_of` and ``score_bags``."""
        gold, folds = gold_of(config), folds_of(config)
        resamples = resamples_for(specs, gold, len(checkpoints))
        bags = {
            name: score_bags(checkpoints, spec, gold[name], bags_of(name, gold[name], resamples, folds[name]))
            for name, spec in specs.items()
        }
        return cls(checkpoints, bags, {name: task.score_weight for name, task in config.tasks.items()}, resamples)

    def configurations(self, runs: Mapping[str, Sequence[int]]) -> dict[str, list[list[int]]]:
        """Return the positions of each configuration's checkpoints by run, without runs that have none."""
        places: dict[int, list[int]] = {}
        for place, one in enumerate(self.checkpoints):
            places.setdefault(one.trial, []).append(place)
        found = {name: [places[trial] for trial in trials if trial in places] for name, trials in runs.items()}
        return {name: of for name, of in found.items() if of}


def gold_of(config: RunConfig) -> dict[str, Labels]:
    """Read the labels that trials are scored by on dev, per task.

    Raises:
        UserError: if a file is gone, or has too few examples.
    """
    found = {}
    for name in config.tasks:
        try:
            found[name] = dev_gold(config, name)
        except UserError as error:
            raise UserError(f"{error} (--data says where the files are now)") from error
        if len(found[name]) < LEAST_EXAMPLES:
            raise UserError(
                f"trials are scored on {len(found[name])} dev examples of {name}, and it takes {LEAST_EXAMPLES} to say"
            )
    return found


def folds_of(config: RunConfig) -> dict[str, Indices | None]:
    """Read the folds of the dev examples of each task; None where they are in none. Raises as :func:`gold_of`."""
    return {name: dev_folds(config, name) for name in config.tasks}


def bags_of(task: str, gold: Labels, resamples: int, folds: Indices | None = None) -> Bags:
    """Draw a task's resamples, always the same ones and independent of the other tasks."""
    return Bags(len(gold), resamples, np.random.default_rng([_SEED, zlib.crc32(task.encode())]), folds)


def resamples_for(specs: Mapping[str, TaskSpec], gold: Mapping[str, Labels], runs: int) -> int:
    """Return the number of resamples: 1,000, or fewer if this would take long, but at least 100."""
    per_resample = sum(runs * len(gold[name]) * spec.metric.cost(spec) for name, spec in specs.items())
    return int(min(RESAMPLES, max(FEWEST_RESAMPLES, _WORK // per_resample)))

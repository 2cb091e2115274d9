"""Estimate what trials would have scored on other dev examples, by bootstrap from their stored predictions."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from core.config import RunConfig
from core.inputs.dev_gold import dev_examples
from core.statistics import bootstrap_scores, overall_score
from data.errors import UserError
from data.reading import RawSplit
from data.tasks import TaskSpec
from search.display.values import shown
from search.trials.artifacts import check_predictions, load_predictions
from search.trials.folders import TrialFolders
from search.trials.record import FinishedTrial

__all__ = ["score_replicates", "stored_predictions", "task_replicates"]

REPLICATES = 1000  # a standard deviation from so many is itself known to 2 %
_SEED = 0


def score_replicates(
    records: Sequence[FinishedTrial], folders: TrialFolders, config: RunConfig
) -> dict[str, np.ndarray]:
    """Return replicates of each trial's scores at its best rung, (1000, trials) for ``overall`` and for each task.

    The examples are the same for all trials. The best rung is not chosen again in a replicate, so the replicates
    leave out that it was chosen by these dev examples.

    Args:
        config: the tasks, which all trials have in common, and where their dev files are.

    Raises:
        UserError: if predictions or dev files are gone, or are not those of the recorded scores.
    """
    replicates = {}
    for name, task in config.tasks.items():
        dev = _dev(config, name)
        predictions = [stored_predictions(folders, record, task.spec, dev) for record in records]
        replicates[name] = task_replicates(task.spec, predictions, np.asarray(dev.labels), dev.folds)
    specs = {name: task.spec for name, task in config.tasks.items()}
    weights = {name: task.score_weight for name, task in config.tasks.items()}
    return {"overall": overall_score(replicates, specs, weights), **replicates}


def task_replicates(
    spec: TaskSpec, predictions: Sequence[np.ndarray], gold: np.ndarray, folds: np.ndarray | None = None
) -> np.ndarray:
    """Replicates of several trials' scores in one task, (1000, trials), the same examples for all.

    Args:
        predictions: of each trial, class probabilities (N, K) or scores (N,).
        gold: class indices or scores, (N,).
        folds: see :func:`core.statistics.bootstrap_scores`.
    """
    # A generator of its own, so that a task's replicates do not depend on which tasks come before it.
    rng = np.random.default_rng([_SEED, zlib.crc32(spec.name.encode())])
    return bootstrap_scores(spec, predictions, gold, REPLICATES, rng, folds)


def _dev(config: RunConfig, task: str) -> RawSplit:
    try:
        return dev_examples(config, task)
    except UserError as error:
        raise UserError(f"{error} (search.report --data says where the files are now)") from error


def stored_predictions(folders: TrialFolders, record: FinishedTrial, spec: TaskSpec, dev: RawSplit) -> np.ndarray:
    """Read and check a trial's predictions at its best rung: they must reproduce the recorded score.

    Class probabilities (N, K) or scores (N,), for the N examples of ``dev``.

    Raises:
        UserError: if they are gone, cannot be read, or are not of these examples; or if the trial was pruned when
            only a part of dev had been scored.
    """
    assert record.result.best_rung is not None, "a trial with a score has a best rung"
    if record.dev_share < 1.0:
        if record.config.models > 1:
            raise UserError(f"trial {record.number} was pruned before all folds were scored: it has no predictions")
        raise UserError(
            f"trial {record.number} was pruned at {record.result.best_rung:,} examples, where eval.early_share = "
            f"{shown(record.dev_share)} of dev was scored: it has no predictions for the other dev examples"
        )
    number = record.number
    stored = load_predictions(folders.run(number), number, spec.name, record.result.best_rung)
    gold = np.asarray(dev.labels)
    check_predictions(stored, gold, record.result.scores[spec.name], spec, number, dev.folds)
    return stored

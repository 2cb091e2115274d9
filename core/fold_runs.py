"""Train a run over folds: one model after the other, each without the rows of one fold, on which it is scored.

Each model is a run of its own in a folder ``fold-0``, ``fold-1``, ... of the run's folder. The run's own records join
them: its curve at all rungs, and at its end the predictions of every row by the model that has not seen it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.config import RunConfig
from core.inputs.pinned_data import check_pinned_data
from core.inputs.pinned_encoder import pinned_encoder
from core.inputs.resources import Resources
from core.run.atomic_files import writing
from core.run.evaluation import Evaluation
from core.run.joined_evaluation import joined_evaluation
from core.run.outcome import RunOutcome
from core.run.run_folder import RunFolder
from core.run_observer import RunObserver
from data.errors import UserError

__all__ = ["in_dev_order", "train_folds"]

TrainOne = Callable[[RunConfig, Path, Resources, RunObserver], RunOutcome]


def train_folds(
    config: RunConfig, folder: Path, resources: Resources, observer: RunObserver, train_one: TrainOne
) -> RunOutcome:
    """Train the model of each fold; arguments, result and errors are those of :func:`core.trainer.train`.

    Args:
        config: a run over folds.
        folder: its artifact folder.
        resources: shared by the runs of this process.
        observer: sees the joined evaluations, and is asked after each of them whether to continue.
        train_one: trains the run of one fold.
    """
    run = RunFolder(folder)
    check_pinned_data(config, run, resources)
    pinned_encoder(config, run, resources)
    run.make()
    run.write_config(config)
    joined = _JoinedRun(config, run, resources, observer)
    for fold in range(config.models):
        own = config.in_fold(fold)
        curve = _finished_curve(own, run.fold(fold))
        if curve is None:
            _pin(run, run.fold(fold))
            outcome = train_one(own, run.fold(fold).path, resources, joined)
            if outcome != RunOutcome.FINISHED:
                return outcome
        elif not all(joined.evaluated(evaluation) for evaluation in curve):
            return RunOutcome.PRUNED
        if fold + 1 < config.models:  # the last one is kept like that of any run, until the trial ends
            with writing(run.path):
                run.fold(fold).checkpoint.unlink(missing_ok=True)
    return RunOutcome.FINISHED


class _JoinedRun:
    """Observe the runs of the folds one after the other, and keep the records of the run over all of them."""

    def __init__(self, config: RunConfig, run: RunFolder, resources: Resources, observer: RunObserver) -> None:
        self._config, self._run, self._resources, self._observer = config, run, resources, observer
        self._length = config.budget.examples
        self._finished: list[Evaluation] = []  # the last evaluation of each fold
        self._evaluations: list[Evaluation] = []  # joined

    def advanced(self, stage: str, examples: int) -> bool:
        return self._observer.advanced(stage, examples)

    def waiting(self, stage: str) -> bool:
        return self._observer.waiting(stage)

    def stepped(self, examples: int) -> bool:
        return self._observer.stepped(sum(one.examples for one in self._finished) + examples)

    def evaluated(self, evaluation: Evaluation) -> bool:
        """Record an evaluation of the present fold; a resumed run repeats those before its checkpoint."""
        rung = len(self._finished) * self._length + evaluation.rung
        joined = joined_evaluation(self._finished, evaluation, rung, self._config.dev_share(rung))
        self._evaluations.append(joined)
        if evaluation.rung == self._length:
            self._finished.append(evaluation)
        if rung == self._config.rungs[-1]:
            self._run.write_predictions(rung, self._out_of_fold())
            self._run.write_best_evaluation(joined)
        self._run.write_metrics(self._evaluations)
        return self._observer.evaluated(joined)

    def _out_of_fold(self) -> dict[str, np.ndarray]:
        """Return what the models predict at their ends for the rows that they have not seen, per task."""
        found = {}
        for name in self._config.tasks:
            folds = self._resources.scored_dev(self._config, name).folds
            assert folds is not None, "the rows of a run over folds are in folds"
            parts = [_read(self._run.fold(fold), name, self._length) for fold in range(self._config.models)]
            found[name] = in_dev_order(folds, parts)
        return found


def in_dev_order(folds: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Put together what the model of each fold predicts for its rows: (N, K) or (N,), in dev order.

    Args:
        folds: the fold of each row, (N,).
        parts: of each fold, in the order of its rows in dev.
    """
    whole = np.empty((len(folds), *parts[0].shape[1:]), dtype=parts[0].dtype)
    for fold, part in enumerate(parts):
        whole[folds == fold] = part
    return whole


def _read(run: RunFolder, task: str, rung: int) -> np.ndarray:
    path = run.predictions(task, rung)
    content = path.read_bytes()
    run.checksums.check(path, f"delete '{run.path}' to train this fold again", content)
    stored: np.ndarray = np.load(io.BytesIO(content))
    return stored


def _finished_curve(own: RunConfig, run: RunFolder) -> list[Evaluation] | None:
    """Return the curve of a fold whose model is trained to the end; None if it is to be trained."""
    try:
        stored = RunConfig.model_validate_json(run.config.read_bytes())
        curve = run.read_metrics()
    except (OSError, ValueError, UserError):  # not begun, or damaged: runs are deterministic
        return None
    is_whole = own.is_same_run(stored) and tuple(one.rung for one in curve) == own.rungs and run.best_model.is_file()
    return curve if is_whole else None


def _pin(run: RunFolder, fold: RunFolder) -> None:
    """Have the run of a fold read the encoder and the data that the whole run began with."""
    if (encoder := run.read_encoder()) is not None:
        fold.write_encoder(encoder)
    if (content := run.read_data()) is not None:
        fold.write_data(content)

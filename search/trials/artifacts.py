"""Load what an ended trial left on disk: its model and configuration, and its dev predictions at a rung."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from optuna.trial import FrozenTrial

from core.config import RunConfig
from core.run.run_folder import RunFolder
from core.statistics import counted_metric
from data.errors import UserError
from data.tasks import TaskSpec
from search.display.fault_text import one_line
from search.trials.folder_owner import read_owner
from search.trials.record import TrialRecord

__all__ = ["check_predictions", "check_score", "check_size", "load_predictions", "require_model", "stored_config"]

_SAME = 1e-6  # scores may differ in a last digit between versions of a library


def require_model(folder: RunFolder, otherwise: str = "") -> None:
    """Raise an error for a trial without its model; ``otherwise`` says what else can be done.

    Raises:
        UserError: if the trial's folder or its model is not there.
    """
    _require_folder(folder)
    if not folder.has_model:
        raise UserError(
            f"{folder.path}: the model is gone; studies keep the models of their best trials only (keep_models)"
            + otherwise
        )


def stored_config(trial: FrozenTrial, folder: RunFolder, data: Path | None, device: str | None) -> RunConfig:
    """Return the RunConfig in the trial's folder.

    Args:
        trial: as it is recorded.
        folder: its folder.
        data: folder with the tasks' files, if it has moved.
        device: to compute on instead of the trial's.

    Raises:
        UserError: if it cannot be read, or is not the one that was recorded.
    """
    _require_folder(folder)
    try:
        config = RunConfig.model_validate_json(folder.config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder.config}: cannot be read: {' '.join(str(error).split())}") from error
    recorded = TrialRecord.read(trial).config
    if recorded is not None and not recorded.is_same_run(config):
        raise UserError(
            f"{folder.config}: not the configuration that trial {trial.number} was recorded with; the folder was "
            "changed, or belongs to another study (--runs-dir says where to look)"
        )
    changed = config.model_dump()
    if data is not None:
        changed["data"]["directory"] = str(data)
    if device is not None:
        changed["compute"]["device"] = device
    return RunConfig.model_validate(changed)


def _require_folder(folder: RunFolder) -> None:
    if not folder.path.is_dir():
        raise UserError(f"{folder.path}: the trial's folder is not there; --runs-dir says where to look")
    check_owner(folder)


def check_owner(folder: RunFolder) -> None:
    """Raise an error for a trial's folder that was put into the folder of another study.

    Raises:
        UserError: the folder, and the one that it is in, name different studies.
    """
    own, study = read_owner(folder.path), read_owner(folder.path.parent)
    if own is not None and study is not None and own.id != study.id:
        raise UserError(
            f"{folder.path}: this trial belongs to another study than the folder that it is in; move it back"
        )


def load_predictions(run: RunFolder, trial: int, task: str, rung: int) -> np.ndarray:
    """Load predictions for the dev examples that trials are scored on: class probabilities (N, K) or scores (N,).

    Everything that reads predictions reads them here, checked against their checksum.

    Args:
        run: the trial's folder.
        task: name of the task.
        rung: in training examples.

    Raises:
        UserError: if they are missing, are damaged or cannot be read.
    """
    check_owner(run)
    path = run.predictions(task, rung)
    try:
        content = path.read_bytes()
        remedy = "restore it from a copy, or delete it to continue without these predictions"
        is_checked = run.checksums.check(path, remedy, content)
        stored: np.ndarray = np.load(io.BytesIO(content))
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(
            f"'{path}' with trial {trial}'s dev predictions is gone (--runs-dir says where to look)"
        ) from None
    except Exception as error:  # numpy evaluates the header, so that damage raises errors of Python's parser too
        raise UserError(f"'{path}' with trial {trial}'s dev predictions cannot be read: {one_line(error)}") from None
    if stored.dtype.kind != "f" or stored.ndim not in (1, 2):
        raise UserError(f"'{path}' with trial {trial}'s dev predictions cannot be read: they are no rows of numbers")
    if not is_checked:
        _note_unchecked(run.path.parent)
    return stored


def _note_unchecked(folder: Path) -> None:
    """Say once that a study has files without checksums; of a study without an id, that has been said already."""
    if read_owner(folder) is not None:
        warnings.warn(
            f"'{folder}' has files of an earlier version, without checksums: they cannot be checked for damage",
            stacklevel=1,  # the same place for all files, so that the line is shown once
        )


def check_size(stored: np.ndarray, size: int, spec: TaskSpec, trial: int) -> None:
    """Raise an error unless there are ``size`` predictions, one for each dev example that trials are scored on.

    Raises:
        UserError: it names the trial, the task and both numbers.
    """
    if len(stored) != size:
        raise UserError(
            f"the dev file of {spec.name} has changed: it has {size} examples to be scored on, and trial {trial} "
            f"predicted {len(stored)}"
        )


def check_score(score: float, recorded: float, spec: TaskSpec, trial: int) -> None:
    """Raise an error if the predictions give a different score than the recorded one with the dev file's labels.

    Raises:
        UserError: it names the trial and the task.
    """
    if not abs(score - recorded) <= _SAME:  # predictions may be NaN
        raise UserError(
            f"the dev file of {spec.name} or trial {trial}'s stored predictions have changed; they no longer give its "
            f"{spec.metric} of {recorded:.4f}"
        )


def check_predictions(
    stored: np.ndarray,
    gold: np.ndarray,
    recorded: float,
    spec: TaskSpec,
    trial: int,
    folds: np.ndarray | None = None,
) -> None:
    """Raise an error unless stored predictions give the score that was recorded.

    Args:
        stored: class probabilities (N, K) or scores (N,).
        gold: the labels of the dev examples that trials are scored on, (N,).
        recorded: the trial's score in the task.
        folds: of these examples, (N,); None: they are in none.

    Raises:
        UserError: as :func:`check_size` and :func:`check_score`.
    """
    check_size(stored, len(gold), spec, trial)
    score = counted_metric(spec, stored, gold, np.ones((1, len(gold))), folds)[0]
    check_score(float(score), recorded, spec, trial)

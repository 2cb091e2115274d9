"""Load what an ended trial left on disk: its model and configuration, and its dev predictions at a rung."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from core.config import RunConfig
from core.run.run_folder import RunFolder
from data.errors import UserError
from data.tasks import TaskSpec
from search.display.fault_text import one_line

__all__ = ["check_score", "check_size", "load_predictions", "require_model", "stored_config"]

_SAME = 1e-6  # scores may differ in a last digit between versions of a library


def require_model(folder: RunFolder, otherwise: str = "") -> None:
    """Raise an error for a trial without its model; ``otherwise`` says what else can be done.

    Raises:
        UserError: if the trial's folder or its model is not there.
    """
    _require_folder(folder)
    if not folder.best_model.is_file():
        raise UserError(
            f"{folder.path}: the model is gone; studies keep the models of their best trials only (keep_models)"
            + otherwise
        )


def stored_config(folder: RunFolder, data: Path | None, device: str | None) -> RunConfig:
    """Return the trial's RunConfig.

    Args:
        data: folder with the tasks' files, if it has moved.
        device: to compute on instead of the trial's.

    Raises:
        UserError: if it cannot be read.
    """
    _require_folder(folder)
    try:
        config = RunConfig.model_validate_json(folder.config.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise UserError(f"{folder.config}: cannot be read: {' '.join(str(error).split())}") from error
    changed = config.model_dump()
    if data is not None:
        changed["data"]["directory"] = str(data)
    if device is not None:
        changed["compute"]["device"] = device
    return RunConfig.model_validate(changed)


def _require_folder(folder: RunFolder) -> None:
    if not folder.path.is_dir():
        raise UserError(f"{folder.path}: the trial's folder is not there; --runs-dir says where to look")


def load_predictions(run: RunFolder, trial: int, task: str, rung: int) -> np.ndarray:
    """Load predictions for the dev examples that trials are scored on: class probabilities (N, K) or scores (N,).

    Args:
        run: the trial's folder.
        task: name of the task.
        rung: in training examples.

    Raises:
        UserError: if they are missing or cannot be read.
    """
    path = run.predictions(task, rung)
    try:
        stored: np.ndarray = np.load(path)
    except FileNotFoundError:
        raise UserError(
            f"'{path}' with trial {trial}'s dev predictions is gone (--runs-dir says where to look)"
        ) from None
    except Exception as error:  # numpy evaluates the header, so that damage raises errors of Python's parser too
        raise UserError(f"'{path}' with trial {trial}'s dev predictions cannot be read: {one_line(error)}") from None
    if stored.dtype.kind != "f" or stored.ndim not in (1, 2):
        raise UserError(f"'{path}' with trial {trial}'s dev predictions cannot be read: they are no rows of numbers")
    return stored


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
    if abs(score - recorded) > _SAME:
        raise UserError(
            f"the dev file of {spec.name} has changed; it no longer gives trial {trial} its {spec.metric} of "
            f"{recorded:.4f}"
        )

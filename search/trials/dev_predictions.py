"""Load the dev predictions that a trial left at a rung, and check that they belong to its recorded score."""

from __future__ import annotations

import numpy as np

from core.run.run_folder import RunFolder
from data.errors import UserError
from data.tasks import TaskSpec

__all__ = ["check_score", "check_size", "load_predictions"]

_SAME = 1e-6  # versions of a library may differ in a last digit


def load_predictions(run: RunFolder, trial: int, task: str, rung: int) -> np.ndarray:
    """Load predictions for the dev examples that trials are scored on: class probabilities (N, K) or scores (N,).

    Args:
        run: the trial's folder.
        trial: its number.
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
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"'{path}' with trial {trial}'s dev predictions cannot be read: {error}") from None
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

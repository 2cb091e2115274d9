"""Find what an ended trial left on disk, for commands that use its model."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from core.config import RunConfig
from core.run.run_folder import RunFolder
from data.errors import UserError

__all__ = ["require_model", "stored_config"]


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
        folder: of the trial.
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

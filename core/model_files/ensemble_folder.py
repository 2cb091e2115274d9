"""Store several trained models as a folder, with the weight of each in the average of their predictions.

ensemble.json                   the shares in each task, and provenance
calibration.json                temperatures of the averaged classes; see core.model_files.calibration_file
members/trial-0007/             a model folder of each member; see core.model_files.model_folder
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.model_files.calibration_file import CALIBRATION, calibration_content
from core.model_files.model_folder import (
    ENSEMBLE,
    MEMBERS,
    TrainedModel,
    load_run_config,
    remove_model,
    save_model_folder,
)
from core.run.checksums import Checksums
from core.statistics import TaskCalibration
from data.errors import UserError

__all__ = ["load_shares", "save_ensemble_folder"]

_SHARES = "shares"


def save_ensemble_folder(
    folder: Path,
    members: Iterable[tuple[str, TrainedModel, dict[str, Any]]],
    shares: Mapping[str, Mapping[str, float]],
    provenance: dict[str, Any],
    calibrations: Mapping[str, TaskCalibration] | None = None,
) -> None:
    """Write the folder; the inverse of :func:`load_shares`.

    Args:
        folder: created if missing; an earlier model or ensemble in it is removed.
        members: name, model and provenance of each; with a generator, only one is in memory at a time.
        shares: task -> name -> share in the task's average, above 0, sum 1.
        provenance: where the ensemble comes from; must be JSON-serialisable.
        calibrations: of tasks of classes, for averaged probabilities.
    """
    remove_model(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, trained, own in members:
        save_model_folder(folder / MEMBERS / name, trained, own)
    if calibrations:
        Checksums(folder).write({folder / CALIBRATION: calibration_content(calibrations, provenance)})
    # Last, because it makes the folder loadable.
    content = json.dumps({**provenance, _SHARES: shares}, indent=2) + "\n"
    Checksums(folder).write({folder / ENSEMBLE: content.encode()})


def load_shares(folder: Path) -> dict[str, dict[Path, float]]:
    """Load each task's model folders with their shares in the average: task -> folder -> share.

    The folder of a single model is its own only member.

    Raises:
        UserError: if the folder was not exported, or the record of the ensemble is damaged.
    """
    record = folder / ENSEMBLE
    if not record.is_file():
        return {task: {folder: 1.0} for task in load_run_config(folder).tasks}
    try:
        content = record.read_bytes()
        Checksums(folder).check(record, "export it again", content)
        stored: dict[str, dict[str, float]] = json.loads(content)[_SHARES]
        return {
            task: {folder / MEMBERS / name: float(share) for name, share in of_task.items()}
            for task, of_task in stored.items()
        }
    except UserError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{record}: cannot read the ensemble ({error}); export it again") from error

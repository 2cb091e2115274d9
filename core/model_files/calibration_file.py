"""Store the calibration of a model's tasks next to it, in ``calibration.json``. It does not import torch.

It is of the whole folder: of an ensemble, the averaged probabilities are calibrated, and not those of its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from core.run.checksums import Checksums
from core.statistics import TaskCalibration
from data.errors import UserError

__all__ = ["CALIBRATION", "calibration_content", "load_calibration"]

CALIBRATION: Final = "calibration.json"
"""Name of the file in a model folder."""

_ORIGIN: Final = ("study", "trial", "method", "data_sha256")
_REMEDY: Final = "export the model again"


@dataclass(frozen=True)
class _Stored:
    made_from: dict[str, Any]
    tasks: dict[str, TaskCalibration]


_STORED: Final = TypeAdapter(_Stored)


def calibration_content(tasks: Mapping[str, TaskCalibration], provenance: Mapping[str, Any]) -> bytes:
    """Return the content of the file.

    Args:
        tasks: calibration of each task of classes.
        provenance: of the model; the study, the trial and the digest of the data are repeated in the file.
    """
    origin = {key: provenance[key] for key in _ORIGIN if key in provenance}
    return _STORED.dump_json(_Stored(origin, dict(tasks)), indent=2) + b"\n"


def load_calibration(folder: Path) -> dict[str, TaskCalibration]:
    """Load the calibration of each task that has one; of none if an earlier version exported the model.

    Raises:
        UserError: if the file is damaged, or is gone.
    """
    path, checksums = folder / CALIBRATION, Checksums(folder)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if path in checksums.files():
            raise UserError(f"{path}: the file is missing; {_REMEDY}") from None
        return {}
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}; {_REMEDY}") from error
    checksums.check(path, _REMEDY, content)
    try:
        tasks = _STORED.validate_json(content).tasks
    except ValidationError as error:
        why = error.errors()[0]
        place = ".".join(map(str, why["loc"]))
        raise UserError(f"{path}: {f'{place}: ' if place else ''}{why['msg']}; {_REMEDY}") from error
    for task, found in tasks.items():
        if not found.temperature > 0:
            raise UserError(f"{path}: the temperature of '{task}' must be above 0, not {found.temperature}; {_REMEDY}")
    return tasks

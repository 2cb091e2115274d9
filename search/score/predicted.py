"""Find exported test predictions, and read what was recorded about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from data.errors import UserError

__all__ = ["find_predictions", "read_provenance"]


def find_predictions(given: Path, study: str | None) -> Path:
    """Return the folder with the test predictions: ``given`` itself, or ``predictions/`` in it.

    Raises:
        UserError: neither has any; the error says how to write those of ``study``.
    """
    for folder in (given, given / "predictions"):
        if any(folder.glob("*-test-output.csv")):
            return folder
    export = "" if study is None else f"; python -m search.export --study {study} writes them"
    raise UserError(f"{given}: no test predictions (TASK-test-output.csv) there{export}")


def read_provenance(folder: Path) -> dict[str, Any]:
    """Return what export or ensemble recorded about the predictions; empty where neither wrote them.

    Raises:
        UserError: the record cannot be read.
    """
    for path in (folder / "provenance.json", folder.parent / "ensemble.json"):
        if path.is_file():
            try:
                found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise UserError(f"{path}: cannot be read: {error}") from error
            return found
    return {}

"""Load pyarrow, which only files in Parquet need."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from data.errors import UserError

__all__ = ["load_pyarrow"]


_INSTALL = "pip install -c constraints.txt -e '.[parquet]'"


def load_pyarrow(path: Path) -> Any:
    """Return the module ``pyarrow``, with ``pyarrow.parquet``.

    Raises:
        UserError: it is not installed; the message names the file that needs it.
    """
    try:
        import_module("pyarrow.parquet")
    except ImportError as error:
        raise UserError(f"{path}: Parquet needs pyarrow: {_INSTALL}") from error
    return import_module("pyarrow")

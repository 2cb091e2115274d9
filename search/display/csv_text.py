"""Write tables as CSV that spreadsheets open safely."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["csv_text"]

T = TypeVar("T")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet evaluates


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV, without its index.

    Texts come from data and study files. One that a spreadsheet would evaluate as a formula gets an apostrophe in
    front; numbers, also as text, stay as they are.
    """
    text: str = frame.rename(columns=_as_text).map(_as_text).to_csv(index=False)
    return text


def _as_text(cell: T) -> T | str:
    is_formula = isinstance(cell, str) and cell.startswith(_FORMULA) and not _is_number(cell)
    return f"'{cell}" if is_formula else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

"""Describe the cells of a column: how many there are, how many differ, whether they are numbers or text."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from data.tables.table import Table

__all__ = ["ColumnProfile", "finite", "profiles"]

_SAMPLED: Final = 5000  # different cells whose words are counted
# Scripts without spaces between words: a character counts as a word.
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class ColumnProfile:
    """The cells of a column.

    Attributes:
        name: in the header.
        rows: rows of the file that can be read.
        counts: how often each cell occurs, without white space at its ends; empty cells are left out.
    """

    name: str
    rows: int
    counts: Mapping[str, int]

    @cached_property
    def filled(self) -> int:
        """Number of rows whose cell is not empty."""
        return sum(self.counts.values())

    @property
    def distinct(self) -> int:
        """Number of different cells."""
        return len(self.counts)

    @property
    def is_unique(self) -> bool:
        """Whether every row has a cell of its own."""
        return self.distinct == self.filled == self.rows > 0

    @property
    def is_code(self) -> bool:
        """Whether every row has a word or whole number of its own, as ids are."""
        is_fraction = any(finite(cell) is not None and not cell.isdecimal() for cell in self.counts)
        is_phrase = any(len(cell.split()) > 1 or _UNSPACED.search(cell) for cell in self.counts)
        return self.is_unique and not is_fraction and not is_phrase

    @cached_property
    def numeric(self) -> float:
        """Share of the filled cells that are finite numbers, 0 to 1."""
        numbers = sum(count for cell, count in self.counts.items() if finite(cell) is not None)
        return numbers / max(self.filled, 1)

    @cached_property
    def words(self) -> float:
        """Mean number of words of the different cells."""
        step = self.distinct // _SAMPLED + 1
        cells = list(self.counts)[::step]
        return sum(len(cell.split()) + len(_UNSPACED.findall(cell)) for cell in cells) / max(len(cells), 1)


def finite(cell: str) -> float | None:
    """Return the finite number that a cell is, or None; Python's ``1_0`` is none."""
    try:
        value = math.nan if "_" in cell else float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def profiles(table: Table) -> dict[str, ColumnProfile]:
    """Return the columns of a table that a task can use, by name, in their order.

    Left out are columns without a name, with a name that occurs twice, and with a list or object in a cell.
    """
    records = [record for record in table.records if not record.fault]
    nested = {place for record in records for place in record.nested}
    found = {}
    for place, name in enumerate(table.header):
        if name.strip() and table.header.count(name) == 1 and place not in nested:
            counts = Counter(map(str.strip, (record.cells[place] for record in records)))
            counts.pop("", None)
            found[name] = ColumnProfile(name, len(records), counts)
    return found

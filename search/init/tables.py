"""Read the files of a task, and refuse those whose first line is no header."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from data.errors import UserError, quoted
from data.files import read_bytes
from data.tables.delimited import Quoting
from data.tables.read import read_table
from data.tables.table import Table
from data.tasks import SplitName
from search.init.column_profile import finite
from search.init.data_files import TaskFiles

__all__ = ["check_header", "read_tables"]

_LONG: Final = 8  # words; no column has such a name
_SHOWN: Final = 4  # cells of a first line that a message quotes


def read_tables(files: TaskFiles) -> tuple[dict[SplitName, Table], Quoting]:
    """Read all files of a task, and find out whether ``"`` is plain text in them.

    It is if fewer rows are malformed then.

    Raises:
        UserError: a file cannot be read, or has no rows.
    """
    tables = _read(files, "minimal")
    if any(map(_malformed, tables.values())):
        plain = _read(files, "none")
        if sum(map(_malformed, plain.values())) < sum(map(_malformed, tables.values())):
            return plain, "none"
    return tables, "minimal"


def check_header(table: Table, path: Path) -> None:
    """Refuse delimited text whose first line looks like a row.

    Raises:
        UserError: a name in the header is a long text, a number, or also a cell of its column; the numbers 0, 1, 2, ...
            that pandas writes as names are accepted.
    """
    header = [name.strip() for name in table.header]
    if table.delimiter is None or header == [str(place) for place in range(len(header))]:
        return
    for place, name in enumerate(header):
        cells = (record.cells[place].strip() for record in table.records if not record.fault)
        is_number = finite(name) is not None and len(header) > 1
        if name and (is_number or len(name.split()) >= _LONG or name in cells):
            listed = ", ".join(quoted(cell[:20]) for cell in header[:_SHOWN])
            raise UserError(
                f"{path}: the first line looks like a row, not like names of columns ({listed}); write a line such as "
                "text,label above it, or name the columns with --text and --label if these are their names"
            )


def _read(files: TaskFiles, quoting: Quoting) -> dict[SplitName, Table]:
    tables = {split: read_table(read_bytes(path), str(path), quoting) for split, path in files.named.items()}
    for split, table in tables.items():
        if not table.records:
            raise UserError(f"{files.named[split]}: no rows below the header")
    return tables


def _malformed(table: Table) -> int:
    """Count the lines of malformed records, and of quoted cells with tabs, whose lines look like rows of their own."""
    if table.delimiter is None:
        return 0
    lost = 0
    for record in table.records:
        is_joined = table.delimiter == "\t" and record.lines > 1 and any("\t" in cell for cell in record.cells)
        lost += record.lines if record.fault or is_joined else 0
    return lost

"""Read Parquet files into records with the cells that a CSV file of them would have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import UserError
from data.tables.table import Record, Table, unreadable

__all__ = ["is_parquet", "load_pyarrow", "parquet_header", "parquet_rows", "read_parquet"]

_MAGIC = b"PAR1"
_INSTALL = "pip install -c constraints.txt -e '.[parquet]'"


def is_parquet(content: bytes) -> bool:
    """Return whether the content of a file, or its beginning, is Parquet."""
    return content.startswith(_MAGIC)


def load_pyarrow(what: str) -> Any:
    """Return the module ``pyarrow``, with ``pyarrow.parquet``.

    Args:
        what: what needs it, for the message.

    Raises:
        UserError: it is not installed.
    """
    try:
        import_module("pyarrow.parquet")
    except ImportError:
        raise UserError(f"{what} needs pyarrow: {_INSTALL}") from None
    return import_module("pyarrow")


def read_parquet(content: bytes, source: str) -> Table:
    """Read a whole file.

    Null and NaN are empty cells, and booleans are ``True`` and ``False``, as pandas writes them. Columns of lists or
    objects are not read: their cells are marked as nested.

    Args:
        content: the file's bytes.
        source: the file's name for error messages.

    Raises:
        UserError: if the file is damaged, or pyarrow is not installed.
    """
    with _opened(source) as arrow:
        file = arrow.parquet.ParquetFile(arrow.BufferReader(content))
        header = list(file.schema_arrow.names)
        nested = tuple(place for place, kind in enumerate(file.schema_arrow.types) if arrow.types.is_nested(kind))
        # One column after the other, so that only one is in memory twice.
        flat = [place for place in range(len(header)) if place not in nested]
        columns: list[list[str]] = [[""] * file.metadata.num_rows for _ in header]
        table = file.read(columns=[header[place] for place in flat], use_threads=False) if flat else None
        for order, place in enumerate(flat):
            assert table is not None
            columns[place] = _cells(table.column(order), arrow)
    records = []
    for number, row in enumerate(zip(*columns, strict=True)):
        cells = list(row)
        fault = unreadable(cells)
        records.append(Record(number + 1, 1, [] if fault else cells, fault, number, () if fault else nested))
    return Table.of(header, records, counts="row")


def parquet_header(path: Path) -> Table:
    """Read the column names of a file, and none of its records.

    Raises:
        UserError: see :func:`read_parquet`.
    """
    with _opened(str(path)) as arrow:
        return Table(list(arrow.parquet.read_schema(path).names), [], counts="row")


def parquet_rows(path: Path) -> int:
    """Return the number of rows of a file, without reading them.

    Raises:
        UserError: see :func:`read_parquet`.
    """
    with _opened(str(path)) as arrow:
        return int(arrow.parquet.read_metadata(path).num_rows)


@contextmanager
def _opened(source: str) -> Iterator[Any]:
    """Import pyarrow, and explain the errors that it raises in a ``with`` block."""
    pyarrow = load_pyarrow(f"{source}: the file is Parquet, which")
    try:
        yield pyarrow
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        why = str(error).split("\n", 1)[0]
        raise UserError(f"{source}: the Parquet file is damaged or cannot be read: {why}") from None


def _cells(column: Any, arrow: Any) -> list[str]:
    """Return the values of a column without lists and objects as text."""
    kind = column.type.value_type if arrow.types.is_dictionary(column.type) else column.type
    text = _text_of(kind, arrow)
    try:
        values = column.to_pylist()
    except UnicodeDecodeError:
        values, text = column.cast(arrow.binary()).to_pylist(), _decoded
    except (ValueError, OverflowError):  # a date that Python has no object for
        values = column.cast(arrow.string()).to_pylist()
    return ["" if value is None else text(value) for value in values]


def _text_of(kind: Any, arrow: Any) -> Callable[[Any], str]:
    """Return how a value of this type is written."""
    if arrow.types.is_floating(kind):
        narrow = {16: np.float16, 32: np.float32}.get(kind.bit_width, float)  # 0.1, not 0.10000000149011612
        return lambda value: "" if math.isnan(value) else str(narrow(value))
    types = arrow.types
    if any(
        is_bytes(kind)
        for is_bytes in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    ):
        return _decoded
    return str


def _decoded(value: bytes) -> str:
    return value.decode("utf-8", errors="surrogateescape")

"""Parquet files become the cells that a CSV file of them would have."""

from __future__ import annotations

import datetime
import io
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.errors import UserError
from data.tables.parquet import is_parquet, parquet_header, parquet_rows, read_parquet

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402 - after the line that skips this file


def packed(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def cells(content: bytes) -> list[list[str]]:
    table = read_parquet(content, "f.parquet")
    assert all(record.fault is None for record in table.records)
    return [table.header, *(record.cells for record in table.records)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1, None, 3]), ["1", "", "3"]),
        (pa.array([1.0, float("nan"), None]), ["1.0", "", ""]),  # integers with nulls, as pandas stores them
        (pa.array([0.1, 2.5, 1e16], pa.float32()), ["0.1", "2.5", "1e+16"]),
        (pa.array([True, False, None]), ["True", "False", ""]),
        (pa.array(["a\nb", " ", None]).dictionary_encode(), ["a\nb", " ", ""]),
        (pa.array(["a", "ü😀", ""], pa.large_string()), ["a", "ü😀", ""]),
        (pa.array([b"a", "ü".encode(), None]), ["a", "ü", ""]),  # as Spark used to write text
        (pa.array([b"ab", b"cd", None], pa.binary(2)), ["ab", "cd", ""]),
        (pa.array([Decimal("1.50"), None, Decimal(2)]), ["1.50", "", "2.00"]),
        (pa.array([10**7, None, 0], pa.date32()), ["29349-01-26", "", "1970-01-01"]),
        (pa.array([datetime.date(2026, 1, 2)] * 3), ["2026-01-02"] * 3),
    ],
    ids=lambda value: str(value.type) if hasattr(value, "type") else "",
)
def test_types(values: Any, expected: list[str]) -> None:
    assert [row[0] for row in cells(packed({"a": values, "b": ["x"] * 3}))[1:]] == expected


def test_as_pandas_writes_both() -> None:
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "text": ["a,b", ' "c" ', "d\ne"],
            "label": [1.0, None, 0.0],
            "flag": [True, False, True],
            "score": np.array([0.1, 2, 3.75], dtype=np.float32),
        },
        index=[7, 8, 9],
    )
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    found = read_parquet(buffer.getvalue(), "f.parquet")
    csv = pd.read_csv(io.StringIO(frame.to_csv()), dtype=str, keep_default_na=False)
    for name in frame.columns:
        assert [record.cells[found.header.index(name)] for record in found.records] == csv[name].tolist()


def test_nested_columns_are_marked_and_not_read() -> None:
    table = read_parquet(packed({"vector": [[0.5]] * 2, "text": ["a", "b"], "meta": [{"text": "c"}] * 2}), "f.parquet")
    assert table.header == ["vector", "text", "meta"]
    assert [(record.cells, record.nested) for record in table.records] == [
        (["", "a", ""], (0, 2)),
        (["", "b", ""], (0, 2)),
    ]


def test_rows_are_counted_from_one_and_those_of_empty_cells_left_out() -> None:
    table = read_parquet(packed({"a": ["x", None, "y\0", "z"], "b": [1, None, 2, 3]}), "f.parquet")
    assert [(record.line, record.number, record.fault) for record in table.records] == [
        (1, 0, None),
        (3, 2, "contains a NUL byte"),
        (4, 3, None),
    ]
    assert (table.empty, table.counts) == (1, "row")


def test_text_that_is_not_utf8() -> None:
    broken = pa.array([b"a", b"caf\xe9"]).view(pa.string())
    table = read_parquet(packed({"a": broken, "b": ["x", "y"]}), "f.parquet")
    assert [record.fault for record in table.records] == [
        None,
        "byte 0xe9 is not UTF-8; in Latin-1 it is 'é': save the file as UTF-8",
    ]


def test_header_and_size_without_reading(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    path.write_bytes(packed({"b": [1, 2, 3], "a": ["x"] * 3}))
    assert parquet_header(path).header == ["b", "a"]
    assert parquet_rows(path) == 3


def test_a_damaged_file() -> None:
    content = packed({"abcd": ["text"] * 1000})
    assert is_parquet(content)
    for damaged in (
        content.replace(b"abcd", b"ab\xffd"),
        content[:-50],
        content[:4],
        content[:4] + b"\xff" * 60 + content[64:],
    ):
        with pytest.raises(UserError, match=r"^f.parquet: the Parquet file is damaged or cannot be read: [^\n]+$"):
            read_parquet(damaged, "f.parquet")


def test_a_machine_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UserError) as caught:
        read_parquet(b"PAR1", "f.parquet")
    assert str(caught.value) == (
        "f.parquet: the file is Parquet, which needs pyarrow: pip install -c constraints.txt -e '.[parquet]'"
    )

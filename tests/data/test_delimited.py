from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.delimited import read_delimited
from data.errors import UserError


def cells(content: bytes) -> list[list[str]]:
    table = read_delimited(content, "f.csv")
    assert all(record.fault is None for record in table.records)
    return [table.header, *(record.cells for record in table.records)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_delimiters_line_ends_and_byte_order_mark(delimiter: str, end: str, mark: bytes) -> None:
    text = end.join(delimiter.join(row) for row in [["id", "naïve"], ["1", "ü"], ["2", "日本"]])
    assert cells(mark + text.encode()) == [["id", "naïve"], ["1", "ü"], ["2", "日本"]]


def test_a_tab_in_the_header_makes_commas_text() -> None:
    assert cells(b"id\ta,b;c\n1\tx, y; z\n") == [["id", "a,b;c"], ["1", "x, y; z"]]


def test_quotes_doubled_inside_a_cell() -> None:
    assert cells(b'id\ts\n1\t"say ""yes"" now"\n2\t4"11 tall\n')[1:] == [["1", 'say "yes" now'], ["2", '4"11 tall']]


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=2, max_size=2)))
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t").writerows([["id", "s"], *rows])
    assert cells(text.getvalue().encode()) == [["id", "s"], *rows]


def test_lines_are_counted_over_line_breaks_in_cells_and_empty_lines() -> None:
    table = read_delimited(b'id\ts\n1\t"two\nlines"\n\n2\tb\n3\n', "f.csv")
    assert [(record.line, record.lines) for record in table.records] == [(2, 2), (5, 1), (6, 1)]
    assert [record.fault for record in table.records] == [None, None, "1 cell, but the header has 2"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b"2", "1 cell, but the header has 2"),
        (b"2\ta\tb", "3 cells, but the header has 2"),
        (b"2\tna\0l", "contains a NUL byte"),
        (b"2\tcaf\xe9 au lait", "byte 0xe9 is not UTF-8"),
        (
            b'2\t"He" said',
            "text after the closing quote of a cell; write a quote inside a quoted cell twice",
        ),
    ],
)
def test_a_fault_stays_in_its_row(row: bytes, fault: str) -> None:
    table = read_delimited(b"id\ts\n1\ta\n" + row + b"\n3\tc\n", "f.csv")
    assert [record.fault for record in table.records] == [None, fault, None]
    assert table.records[1].line == 3
    assert table.records[2].cells == ["3", "c"]


def test_a_quote_left_open_takes_the_rest_of_the_file_and_says_so() -> None:
    table = read_delimited(b'id\ts\n1\ta\n2\t"open\n3\tc\n4\td\n', "f.csv")
    last = table.records[-1]
    assert (last.line, last.lines, last.fault) == (3, 3, "unclosed quote")


def test_a_cell_beyond_the_limit_of_the_csv_module() -> None:
    table = read_delimited(b"id\ts\n1\t" + b"a" * (csv.field_size_limit() + 1) + b"\n2\tb\n", "f.csv")
    assert (
        table.records[0].fault
        == f"a cell has more than {csv.field_size_limit():,} characters; check for an unclosed quote"
    )
    assert table.records[1].cells == ["2", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f.csv: the file is empty"),
        (b"\xef\xbb\xbf \r\n", "f.csv: the file is empty"),
        ("id\ts\n".encode("utf-16"), "f.csv: the file is UTF-16; save it as UTF-8"),
        (b"id\tcaf\xe9\n", "f.csv:1: header: byte 0xe9 is not UTF-8"),
    ],
)
def test_files_that_are_not_a_table(content: bytes, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_delimited(content, "f.csv")
    assert str(error.value) == message

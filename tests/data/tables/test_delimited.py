from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UserError
from data.tables.delimited import read_delimited


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


def written(rows: list[list[str]], delimiter: str, end: str) -> str:
    text = io.StringIO(newline="")
    # Before Python 3.13, the module quotes a carriage return only if lines end in one.
    quoting = csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-8 with two marks": lambda text: b"\xef\xbb\xbf\xef\xbb\xbf" + text.encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 big-endian": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "gzip": lambda text: gzip.compress(text.encode(), mtime=0),
    "utf-16 in gzip": lambda text: gzip.compress(text.encode("utf-16"), mtime=0),
}


@given(
    rows=st.lists(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=2, max_size=2)),
    delimiter=st.sampled_from("\t,;"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encode=st.sampled_from(list(ENCODINGS)),
)
def test_what_the_csv_module_writes_is_read_back(rows: list[list[str]], delimiter: str, end: str, encode: str) -> None:
    content = ENCODINGS[encode](written([["id", "s"], *rows], delimiter, end))
    table = read_delimited(content, "f.csv")
    assert (table.header, table.delimiter) == (["id", "s"], delimiter)
    filled = {number: row for number, row in enumerate(rows) if any(cell.strip() for cell in row)}
    assert {record.number: record.cells for record in table.records} == filled
    assert table.empty == len(rows) - len(filled)


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(exclude_characters="\0\t\r\n", codec="utf-8")), min_size=2, max_size=2)
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    encode=st.sampled_from(list(ENCODINGS)),
)
def test_without_quoting_lines_are_rows(rows: list[list[str]], end: str, encode: str) -> None:
    """As awk and cut see them: whatever the quotes, a line is a row, and a tab ends a cell."""
    text = end.join("\t".join(row) for row in [["id", "s"], *rows])
    table = read_delimited(ENCODINGS[encode](text), "f.csv", "none")
    filled = {number: row for number, row in enumerate(rows) if any(cell.strip() for cell in row)}
    assert {record.number: record.cells for record in table.records} == filled


def test_records_of_empty_cells_are_empty_lines() -> None:
    table = read_delimited(b',,\n ,id,text\n,1,a\n,,\n\n   \n"",  ,""\n,2,b\n,,\n', "f.csv")
    assert table.header == [" ", "id", "text"]
    assert [record.cells for record in table.records] == [["", "1", "a"], ["", "2", "b"]]
    assert [record.number for record in table.records] == [0, 4]
    assert table.empty == 4


def test_an_empty_cell_of_the_only_column_is_a_record() -> None:
    table = read_delimited(b'text\na\n""\n\nb\n', "f.csv")
    assert [record.cells for record in table.records] == [["a"], [""], ["b"]]


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
        (b"2\tcaf\xe9 au lait", "byte 0xe9 is not UTF-8; in Latin-1 it is 'é': save the file as UTF-8"),
        (b"2\t\x81", "byte 0x81 is not UTF-8"),
        (
            b'2\t"He" said',
            "text after the closing quote of a cell; write a quote inside a quoted cell twice; "
            'if quotes are plain text in this file, set quoting = "none"',
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
    remedy = 'if quotes are plain text in this file, set quoting = "none"'
    assert (last.line, last.lines, last.fault) == (3, 3, f"unclosed quote; {remedy}")


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_may_be_as_long_as_its_file(quote: str) -> None:
    long = "a" * 200_000
    assert cells(f"id\ts\n1\t{quote}{long}{quote}\n2\tb\n".encode())[1:] == [["1", long], ["2", "b"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f.csv: the file is empty"),
        (b"\xef\xbb\xbf \r\n", "f.csv: the file is empty"),
        (b",,\n , \n", "f.csv: the file is empty"),
        (
            b"id\tcaf\xe9\n",
            "f.csv:1: header: byte 0xe9 is not UTF-8; in Latin-1 it is 'é': save the file as UTF-8",
        ),
    ],
)
def test_files_that_are_not_a_table(content: bytes, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_delimited(content, "f.csv")
    assert str(error.value) == message

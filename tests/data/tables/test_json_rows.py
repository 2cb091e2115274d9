"""JSON objects, one per line or in an array, become the cells that a CSV file of them would have."""

from __future__ import annotations

import json

import pytest

from data.errors import UserError
from data.tables.json_rows import is_json, parse_json
from data.tables.table import Table


def cells(table: Table) -> list[list[str]]:
    assert all(record.fault is None for record in table.records)
    return [table.header, *(record.cells for record in table.records)]


ROWS = [{"id": 1, "text": 'two\nlines, "quoted"', "mood": True}, {"text": " ü😀 ", "id": 1.50, "note": None}]
WRITTEN = {
    "lines": "".join(f"{json.dumps(row)}\n" for row in ROWS),
    "other line ends, empty lines": "\r\n \r\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
    "array": json.dumps(ROWS),
    "array of lines": "[" + ",\n".join(json.dumps(row) for row in ROWS) + "]\n",
    "array over many lines": json.dumps(ROWS, indent=4),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_the_header_is_the_union_and_what_is_missing_is_empty(text: str) -> None:
    assert is_json(text, "f.csv")
    assert cells(parse_json(text, "f.csv")) == [
        ["id", "text", "mood", "note"],
        ["1", 'two\nlines, "quoted"', "True", ""],
        ["1.5", " ü😀 ", "", ""],
    ]


def test_numbers_stay_as_they_are_written() -> None:
    long = "9" * 5000
    text = f'{{"a": 1.50, "b": {long}, "c": 1e3, "d": -0, "e": NaN, "f": Infinity}}\n'
    assert cells(parse_json(text, "f"))[1] == ["1.50", long, "1e3", "-0", "", "inf"]


def test_lists_and_objects_are_marked() -> None:
    (record,) = parse_json('{"a": [1, 2], "b": "x", "c": {"d": 1}}', "f").records
    assert (record.cells, record.nested) == (["", "x", ""], (0, 2))


def test_objects_of_empty_cells_are_counted_and_lines_without_one_are_not() -> None:
    table = parse_json('{"a": 1, "b": 2}\n\n{}\n{"a": null, "b": " "}\n{"a": 3}\n', "f")
    assert [(record.number, record.line) for record in table.records] == [(0, 1), (3, 5)]
    assert table.empty == 2
    assert len(parse_json('{"a": 1}\n{}\n', "f").records) == 2  # as in a CSV file of one column


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"a": 1', "not valid JSON: Expecting ',' delimiter at character 8"),
        ('{"a": 1} {"a": 2}', "not valid JSON: Extra data at character 10"),
        ('["a"]', "a list, not an object with the columns as its keys"),
        ("17", "a single value, not an object with the columns as its keys"),
        ("null", "null, not an object with the columns as its keys"),
        ('{"a": ' + "[" * 100_000, "not valid JSON: nested too deeply"),
        (r'{"a": "x\u0000"}', "contains a NUL byte"),
        (r'{"a": "\ud83d!"}', r"contains \ud83d, half of a surrogate pair, which is no character"),
        ('{"a": "caf\udce9"}', "byte 0xe9 is not UTF-8; in Latin-1 it is 'é': save the file as UTF-8"),
    ],
    ids=range(9),
)
def test_a_fault_stays_in_its_line(line: str, fault: str) -> None:
    table = parse_json(f'{{"a": 1}}\n\n{line}\n{{"a": 2}}\n', "f")
    assert [(record.line, record.fault) for record in table.records] == [(1, None), (3, fault), (4, None)]


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert cells(parse_json(r'{"a": "\ud83d\ude00"}', "f"))[1] == ["😀"]


def test_elements_of_an_array_have_their_lines() -> None:
    table = parse_json('\n[\n{"a":\n1},\n\n17, {"b": 2}\n]', "f")
    assert [(record.line, record.fault is None) for record in table.records] == [(3, True), (6, False), (6, True)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a": 1},\n{"a": }]', "f:2: not valid JSON: Expecting value"),
        ('[{"a": 1},\n{"a": 2}', "f:2: not valid JSON: a comma or ] is missing after an element"),
        ('[{"a": 1}]\n[{"a": 2}]', "f:2: not valid JSON: text after the array"),
        ("[]", "f: the file is empty"),
        ("{}", "f: the file is empty"),
        ('["a", "b"]', "f:1: a single value, not an object with the columns as its keys"),
        (json.dumps({"a": {"0": 1}}, indent=1), "f: the file contains a JSON object over several lines; write one "),
        (r'{"a\u0000": 1}', "f: a key contains a NUL byte"),
        (
            "".join(f'{{"{n}": 1}}\n' for n in range(9000)),
            "f:4097: the objects down to this line have more than 4,096 ",
        ),
    ],
)
def test_files_that_are_not_a_table(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_json(text, "f")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", range(0, 60, 7))
def test_the_beginning_of_an_array_may_end_anywhere(end: int) -> None:
    text = '[{"a": 1, "b": 2},\n' + '{"a": 1, "b": 2},\n' * 3
    table = parse_json(text[: 19 + end], "f", is_beginning=True)
    assert table.header == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "source", "expected"),
    [
        ('{"a": 1}', "f.csv", True),
        ('\n [ {"a": 1} , {"a"', "f.csv", True),
        ("{", "f.csv", True),
        ('{"a": 1, oops\n{"a": 1}\n', "f.csv", False),
        ('{"a": 1, oops\n{"a": 1}\n', "f.jsonl", True),
        ('{"a": 1, oops\n{"a": 1}\n', "dir/f.NDJSON.gz", True),
        ("a,b\n1,2\n", "f.json", False),  # the content decides
        ('{"a,b\n', "f.csv", False),
        ("[id],text\n1,a\n", "f.csv", False),
        ('["id"],text\n1,a\n', "f.csv", False),
        ("{text}\t[label]\n", "f.tsv", False),
        ("id,text\n1,{}\n", "f.csv", False),
    ],
)
def test_what_json_looks_like(text: str, source: str, expected: bool) -> None:
    assert is_json(text, source) is expected
